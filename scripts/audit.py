"""Ask the OSV database whether a pinned version has a known weakness: ``make audit``.

Exit code 1 where one has. Where the database cannot be reached, says so and exits 0: nothing was audited.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PINNED = Path(__file__).parents[1] / "constraints.txt"
COMMAND = ["-m", "pip_audit", "-s", "osv", "--disable-pip", "--no-deps", "--format", "json"]
_OFFLINE = ("ConnectionError", "NameResolutionError", "ConnectTimeout", "ServiceError")

done = subprocess.run(
    [sys.executable, *COMMAND, "--progress-spinner", "off", "-r", str(PINNED)],
    capture_output=True,
    text=True,
    check=False,
)
try:
    packages = json.loads(done.stdout)["dependencies"]
except (ValueError, KeyError):
    if any(word in done.stderr for word in _OFFLINE):
        print("audit: skipped, nothing was audited: api.osv.dev cannot be reached from here")
        raise SystemExit(0) from None
    print(done.stderr, file=sys.stderr)
    raise SystemExit(2) from None

skipped = [package["name"] for package in packages if "skip_reason" in package]
weak = [package for package in packages if package.get("vulns")]
for package in weak:
    for found in package["vulns"]:
        fixed = ", ".join(found["fix_versions"]) or "none"
        print(f"audit: {package['name']} {package['version']}: {found['id']}; mended in: {fixed}")
print(f"audit: {len(packages) - len(skipped)} packages audited, {len(weak)} with known weaknesses")
if skipped:
    print(f"audit: {len(skipped)} not audited: {', '.join(skipped)}")
raise SystemExit(1 if weak else 0)
