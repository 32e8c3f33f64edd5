/* Requests to the program that opened this page; each carries the token of the address. */

const token = location.hash.slice(1);

export class Refused extends Error {
  constructor(message, status, changed) {
    super(message);
    this.status = status;
    this.changed = changed;
  }
}

async function send(path, body, keepalive = false) {
  const options = { headers: { "X-Review-Token": token }, cache: "no-store", keepalive };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(`/api/${path}`, options);
  } catch {
    throw new Refused("the program does not answer: start it again; what was drawn is kept", 0, false);
  }
  if (!response.ok) {
    const told = await response.json().catch(() => ({}));
    throw new Refused(told.error || `the program failed (${response.status}); see its terminal`, response.status, told.changed === true);
  }
  return response;
}

export const ask = async (path, body) => (await send(path, body)).json();
/* Goes on where the tab is closed meanwhile. */
export const leave = (path, body) => send(path, body, true);
export const askBytes = async (path) => new Uint8Array(await (await send(path)).arrayBuffer());
export const askImage = async (path) => URL.createObjectURL(await (await send(path)).blob());
