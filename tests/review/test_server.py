"""What the running program answers, whom it refuses, and what it leaves on the disk."""

from __future__ import annotations

import hashlib
import json
import socket

import pytest

from mriparaspinal.core.model import Settings
from mriparaspinal.review.begin import Wanted, begin
from tests.support.builders.slices import SHAPES, box, polygon, write_slice
from tests.support.builders.study import fingerprint, read_csv, rows_of, run
from tests.support.review import serve, shape

MF_R = box(35, 65, 44, 84)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    root = tmp_path_factory.mktemp("guarded") / "scans"
    write_slice(root, "ALS_1_3")
    before = fingerprint(root)
    running = serve(root)
    yield running
    assert running.end()[0] == 0
    assert fingerprint(root) == before, "what was refused or only asked for has left nothing behind"


def sent_edits(opened, *changes):
    """All shapes of a slice as they are, with some in place of their region's."""
    kept = [shape(s["region"], s["points"], s["index"]) for s in opened["shapes"]]
    regions = {change["region"] for change in changes}
    return [s for s in kept if s["region"] not in regions] + list(changes)


# --- who is refused -----------------------------------------------------------------------------------------


def test_the_page_and_its_headers(served):
    status, headers, content = served.send("/", X_Review_Token=None)
    assert status == 200
    assert b"<script" in content
    assert b"<script>" not in content, "no script in the page itself"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "set-cookie" not in headers
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


def test_only_this_computer_is_listened_to(served):
    own = socket.gethostbyname(socket.gethostname())
    if own.startswith("127."):
        pytest.skip("this computer has no address but the loopback's")
    with pytest.raises(OSError), socket.create_connection((own, served.port), timeout=5):
        pass


@pytest.mark.parametrize("token", [None, "", "wrong"])
@pytest.mark.parametrize("path", ["/api/session", "/api/slices/0", "/api/slices/0/grey"])
def test_without_the_token_nothing_is_told(served, token, path):
    status, headers, content = served.send(path, X_Review_Token=token)
    assert status == 403
    assert b"token" in content
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_the_token_is_no_part_of_an_address_or_cookie(served):
    assert served.send(f"/api/session?token={served.token}", X_Review_Token=None)[0] == 403
    assert served.send("/api/session", X_Review_Token=None, Cookie=f"token={served.token}")[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.5:80", "", "[::1]:80"])
@pytest.mark.parametrize("path", ["/", "/api/session"])
def test_other_host_names_are_refused(served, host, path):
    assert served.send(path, Host=host)[0] == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9000", "127.0.0.1", "127.0.0.1:1"])
def test_any_port_of_this_computer_may_be_that_of_a_tunnel(served, host):
    assert served.send("/api/session", Host=host)[0] == 200
    assert served.send("/api/session", Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
def test_other_origins_are_refused(served, origin):
    status, headers, _ = served.send("/api/slices/0/discard", {}, Origin=origin)
    assert status == 403
    assert "access-control-allow-origin" not in headers
    assert served.send("/api/session", Sec_Fetch_Site="cross-site")[0] == 403


def test_a_question_before_a_request_from_elsewhere_is_not_granted(served):
    status, headers, _ = served.send(
        "/api/session", method="OPTIONS", Origin="https://evil.example", X_Review_Token=None
    )
    assert status == 403
    assert "access-control-allow-headers" not in headers


@pytest.mark.parametrize(
    "path",
    [
        *("/page/../server.py", "/page/..%2fserver.py", "/page/%2e%2e/server.py", "/page//etc/passwd"),
        *("/server.py", "/page/server.py", "/page/index.html/x", "/ALS_1_3.png", "/page/", "/docs"),
    ],
)
def test_no_other_file_is_handed_out(served, path):
    assert served.send(path)[0] == 404


@pytest.mark.parametrize("number", ["1", "-1", "99999999999999999999", "ALS_1_3.png", "0/../../x", "0.0"])
def test_slices_go_by_number_alone(served, number):
    assert served.send(f"/api/slices/{number}")[0] in (400, 404)


def test_requests_that_are_too_large(served):
    much = b'{"points": "' + b"x" * 4_000_001 + b'"}'
    assert served.send("/api/slices/0/measure", b"", Content_Length="999999999999")[0] == 413
    assert served.send("/api/slices/0/measure", much)[0] == 413
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [b"x" * 1_000_000] * 5) + b"0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as line:
        head = f"POST /api/slices/0/measure HTTP/1.1\r\nHost: localhost\r\nX-Review-Token: {served.token}\r\n"
        line.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        assert line.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"{", b"\xff", b'{"shapes": 1}', b'{"shapes": [1]}', b"[" * 100_000),
        *(
            json.dumps({"shapes": [given]}).encode()
            for given in (
                *({}, shape("heart", MF_R), shape("MF", MF_R), shape("mf-r", MF_R), shape("MF_R", MF_R[:2])),
                *(shape("MF_R", [[1e9, 1], [2, 2], [3, 9]]), shape("MF_R", [["1", 1], [2, 2], [3, 9]])),
                *(shape("MF_R", [[float("nan"), 1], [2, 2], [3, 9]]), shape("MF_R", MF_R, -1)),
                *(shape("MF_R", MF_R, 99), shape("MF_R", None), shape("MF_R", MF_R, True)),
            )
        ),
    ],
)
def test_what_the_page_does_not_send_is_one_line(served, body):
    status, _, content = served.send("/api/slices/0/save", body)
    assert status in (400, 409)
    assert "\n" not in json.loads(content)["error"]


def test_verdicts_that_cannot_be(served):
    for given in ({"verdict": "fine"}, {"verdict": "exclude"}, {"verdict": "reviewed", "region": "heart"}):
        status, _, content = served.send("/api/slices/0/judge", given)
        assert status == 400, content
    assert served.send("/api/slices/0/judge", {"verdict": 1})[0] == 400
    assert served.send("/api/slices/0/judge", {"verdict": "exclude", "reason": "x" * 5000})[0] == 400


# --- what is told, kept and written -------------------------------------------------------------------------


def test_a_slice_is_told_as_quantify_measures_it(served, tmp_path):
    opened = served.ask("slices/0")
    assert (opened["rows"], opened["columns"]) == (100, 100)
    assert [s["region"] for s in opened["shapes"]] == [s["label"] for s in SHAPES]
    measured = served.ask("slices/0/measure", {"base": opened["digest"], "shapes": sent_edits(opened)})
    home = tmp_path / "data"
    write_slice(home, "ALS_1_3")
    assert run("quantify", home, "--out", tmp_path / "out").code == 0
    rows = [row for row in rows_of(tmp_path / "out") if row["side"] != "both"]
    expected = {f"{r['muscle']}_{r['side'][0].upper()}": (int(r["csa_px"]), int(r["fat_px"])) for r in rows}
    found = {name: (n["csa_px"], n["fat_px"]) for name, n in measured["regions"].items() if name != "IVD"}
    assert found == expected
    assert measured["regions"]["IVD"]["csa_px"] == int(rows[0]["reference_px"])
    assert measured["threshold"] == 50


def test_saving_keeps_all_other_fields(tmp_path):
    extra = polygon("vessel", box(1, 1, 4, 4), note="of the lab's own")
    shapes = [*SHAPES, extra]
    shapes[0] = shapes[0] | {"group_id": 7, "description": "by hand", "flags": {"sure": True}}
    path = write_slice(tmp_path, "ALS_1_3", shapes=shapes, flags={"draft": True, "odd": False}, mine=[1.5])
    image = hashlib.sha256((tmp_path / "ALS_1_3.png").read_bytes()).hexdigest()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"imageData": "QUJD"}))
    before = json.loads(path.read_text())
    served = serve(tmp_path)
    opened = served.ask("slices/0")
    assert opened["draft"] is True
    index = next(s["index"] for s in opened["shapes"] if s["region"] == "PM_R")
    moved = [[6.25, 20], [24, 20], [24, 39], [5, 39.1234]]
    edits = sent_edits(opened, shape("PM_R", moved, index), shape("VB", box(40, 50, 60, 60)))
    edits = [edit for edit in edits if edit["region"] != "ES_L"]
    saved = served.ask("slices/0/save", {"base": opened["digest"], "shapes": edits})
    after = json.loads(path.read_text())
    assert saved["digest"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {k: v for k, v in after.items() if k != "shapes"} == {
        k: v for k, v in before.items() if k != "shapes"
    }
    by_label = {s["label"]: s for s in after["shapes"]}
    assert by_label["PM_R"] == before["shapes"][0] | {"points": [[6.25, 20], [24, 20], [24, 39], [5, 39.123]]}
    assert by_label["vessel"] == extra
    assert "ES_L" not in by_label
    assert by_label["VB"]["points"] == box(40, 50, 60, 60)
    # A slice that a person has judged is no draft any more; nothing else of its file changes.
    served.ask("slices/0/judge", {"region": "", "verdict": "reviewed"})
    judged = json.loads(path.read_text())
    assert judged == after | {"flags": {"draft": False, "odd": False}}
    assert read_csv(tmp_path / "review.csv") == [
        {
            "image": "ALS_1_3.png",
            "region": "",
            "reader": "",
            "verdict": "reviewed",
            "reason": "",
            "comment": "",
        }
    ]
    assert hashlib.sha256((tmp_path / "ALS_1_3.png").read_bytes()).hexdigest() == image
    code, said = served.end()
    assert code == 0, said
    assert sorted(fingerprint(tmp_path)) == ["ALS_1_3.json", "ALS_1_3.png", "review.csv"]


def test_what_was_not_changed_is_not_written_again(tmp_path):
    path = write_slice(tmp_path, "ALS_1_3")
    before = path.read_bytes()
    served = serve(tmp_path)
    opened = served.ask("slices/0")
    saved = served.ask("slices/0/save", {"base": opened["digest"], "shapes": sent_edits(opened)})
    assert saved["digest"] == opened["digest"]
    assert path.read_bytes() == before
    served.end()


def test_a_file_that_was_changed_on_the_disk_is_not_written_over(tmp_path):
    path = write_slice(tmp_path, "ALS_1_3")
    served = serve(tmp_path)
    opened = served.ask("slices/0")
    others = [s for s in SHAPES if s["label"] != "PM_L"]
    write_slice(tmp_path, "ALS_1_3", shapes=others)
    theirs = path.read_bytes()
    body = {"base": opened["digest"], "shapes": sent_edits(opened, shape("MF_R", box(30, 60, 44, 84)))}
    served.ask("slices/0/keep", body)
    status, _, content = served.send("/api/slices/0/save", body)
    assert status == 409
    assert json.loads(content)["changed"] is True
    assert "was changed on the disk since it was opened" in json.loads(content)["error"]
    assert path.read_bytes() == theirs
    again = served.ask("slices/0")
    assert again["changed"] is True
    assert again["unsaved"] == body["shapes"]
    served.ask("slices/0/save", body | {"force": True})
    after = {s["label"]: s["points"] for s in json.loads(path.read_text())["shapes"]}
    assert after["MF_R"] == box(30, 60, 44, 84)
    assert "PM_L" in after
    assert served.ask("slices/0")["unsaved"] is None
    # A file that came where none was is no less somebody's.
    path.unlink()
    write_slice(tmp_path, "ALS_1_3")
    assert served.send("/api/slices/0/save", body | {"base": None})[0] == 409
    served.end()


def test_links_that_lead_out_of_the_dataset_are_not_followed(tmp_path):
    root, elsewhere = tmp_path / "scans", tmp_path / "elsewhere"
    write_slice(root, "ALS_1_3")
    write_slice(elsewhere, "ALS_9_3")
    secret = (elsewhere / "ALS_9_3.json").read_bytes()
    (root / "ALS_2_3.png").symlink_to(elsewhere / "ALS_9_3.png")
    write_slice(root, "ALS_3_3")
    (root / "ALS_3_3.json").unlink()
    (root / "ALS_3_3.json").symlink_to(elsewhere / "ALS_9_3.json")
    served = serve(root)
    names = [reading["name"] for reading in served.ask("session")["readings"]]
    linked, contours = names.index("ALS_2_3.png"), names.index("ALS_3_3.png")
    for path in (f"slices/{linked}", f"slices/{linked}/grey", f"slices/{contours}"):
        status, _, content = served.send(f"/api/{path}")
        assert status == 400
        assert b"leads out of the folder" in content
    body = {"base": None, "shapes": [shape("MF_R", MF_R)], "force": True}
    assert served.send(f"/api/slices/{contours}/save", body)[0] == 400
    assert (elsewhere / "ALS_9_3.json").read_bytes() == secret
    served.end()


def test_a_reader_writes_into_a_folder_of_their_own(tmp_path):
    root, out = tmp_path / "scans", tmp_path / "anna"
    write_slice(root, "p 2/ALS_1_3")
    before = fingerprint(root)
    served = serve(root, "--reader", "anna", "--out", out, "--timing")
    opened = served.ask("slices/0")
    assert (opened["shapes"], opened["digest"]) == ([], None)
    assert {s["region"] for s in opened["proposals"][0]["shapes"]} == {s["label"] for s in SHAPES}
    served.ask("slices/0/save", {"base": None, "shapes": [shape("MF_R", MF_R)]})
    served.ask("slices/0/judge", {"region": "MF_R", "verdict": "look-again", "comment": "border?"})
    for seconds in (10, 2.5, -7):
        served.ask("slices/0/spend", {"seconds": seconds})
    assert served.end()[0] == 0
    content = json.loads((out / "p 2" / "ALS_1_3.json").read_text())
    assert [s["label"] for s in content["shapes"]] == ["MF_R"]
    assert (out / "p 2" / content["imagePath"]).resolve() == (root / "p 2" / "ALS_1_3.png").resolve()
    assert read_csv(out / "review.csv")[0]["reader"] == "anna"
    assert read_csv(out / "timing.csv") == [{"image": "p 2/ALS_1_3.png", "reader": "anna", "seconds": "12.5"}]
    assert fingerprint(root) == before
    other = run("review", root, "--reader", "ben", "--out", out, "--no-browser")
    assert other.code == 2
    assert "is the folder of the reader 'anna'" in other.err


@pytest.mark.parametrize(
    ("label", "regions"),
    [("vertebral body", "VB"), ("QL-l", "QL_R QL_L IVD"), ("disc", "IVD"), (None, "IVD")],
)
def test_the_regions_to_draw_are_those_that_the_dataset_has(tmp_path, label, regions):
    write_slice(tmp_path / "scans", "ALS_1_3", shapes=[polygon(label, MF_R)] if label else [1])
    write_slice(tmp_path / "scans", "ALS_2_3", shapes=[]).unlink()
    # A file that nobody can read is no reason not to begin.
    write_slice(tmp_path / "scans", "ALS_3_3").write_bytes(b'{"shapes": ' + b"[" * 100_000)
    settings = Settings()
    for wanted in (Wanted(), Wanted(reader="a", out=tmp_path / "a", blind=1, key=tmp_path / "key.csv")):
        session, _ = begin(tmp_path / "scans", settings, wanted)
        order = session.overview()["regions"]
        session.close()
        assert " ".join(order) == f"MF_R MF_L ES_R ES_L PM_R PM_L {regions}"


def test_a_second_review_of_one_folder_is_refused(tmp_path):
    write_slice(tmp_path, "ALS_1_3")
    served = serve(tmp_path)
    other = run("review", tmp_path, "--no-browser")
    assert other.code == 2
    assert "another review is open in this folder" in other.err
    served.end()


def test_marks_of_the_report_come_as_look_again(tmp_path):
    root = tmp_path / "scans"
    write_slice(root, "ALS_1_3")
    write_slice(root, "ALS_2_3")
    marks = tmp_path / "needs-another-look.csv"
    marks.write_text("participant_id,segment,image,reasons\nALS_2,L3,ALS_2_3.png,FI is unusual\n")
    served = serve(root, "--marks", marks)
    verdicts = {r["name"]: r["verdicts"] for r in served.ask("session")["readings"]}
    assert [v["verdict"] for v in verdicts["ALS_2_3.png"]] == ["look-again"]
    assert verdicts["ALS_1_3.png"] == []
    served.end()
    marks.write_text("participant_id,segment,image,reasons\nALS_7,L3,ALS_7_3.png,\n")
    refused = run("review", root, "--marks", marks, "--no-browser")
    assert refused.code == 3
    assert "'ALS_7_3.png' is no slice of the dataset" in refused.err


def test_contours_are_those_that_quantify_measures_wherever_they_lie(tmp_path):
    write_slice(tmp_path, "images/ALS_1_3")
    (tmp_path / "labels").mkdir()
    labels = (tmp_path / "images" / "ALS_1_3.json").rename(tmp_path / "labels" / "ALS_1_3.json")
    served = serve(tmp_path)
    opened = served.ask("slices/0")
    assert len(opened["shapes"]) == len(SHAPES)
    edits = sent_edits(opened, shape("MF_R", box(30, 60, 44, 84)))
    served.ask("slices/0/save", {"base": opened["digest"], "shapes": edits})
    assert served.end()[0] == 0
    assert sorted(fingerprint(tmp_path)) == ["images/ALS_1_3.png", "labels/ALS_1_3.json"]
    assert box(30, 60, 44, 84) in [s["points"] for s in json.loads(labels.read_text())["shapes"]]


def test_shapes_of_no_region_are_shown_and_stay(tmp_path):
    shapes = [*SHAPES, polygon("vessel", box(1, 1, 4, 4)), {"label": "MF_R", "points": "none"}]
    path = write_slice(tmp_path, "ALS_1_3", shapes=shapes)
    served = serve(tmp_path)
    opened = served.ask("slices/0")
    assert [s["points"] for s in opened["others"]] == [box(1, 1, 4, 4)]
    edits = sent_edits(opened, shape("IVD", box(36, 20, 64, 49)))
    served.ask("slices/0/save", {"base": opened["digest"], "shapes": edits})
    after = json.loads(path.read_text())["shapes"]
    assert all(kept in after for kept in shapes[-2:])
    # A shape of the file is that of its own region alone, and one of no region is nobody's.
    digest = served.ask("slices/0")["digest"]
    for index in (opened["shapes"][0]["index"], 7):
        body = {"base": digest, "shapes": [shape("MF_R", MF_R, index)]}
        assert served.send("/api/slices/0/save", body)[0] == 400
    served.end()


def test_circles_rectangles_and_masks_are_shown_and_stay_until_they_are_drawn_anew(tmp_path):
    others = [s for s in SHAPES if s["label"] not in ("MF_R", "IVD")]
    circle = polygon("MF_R", [[40, 75], [40, 80]], shape_type="circle")
    rectangle = polygon("IVD", [[64, 20], [35, 49]], shape_type="rectangle")
    path = write_slice(tmp_path, "ALS_1_3", shapes=[*others, circle, rectangle])
    served = serve(tmp_path)
    opened = served.ask("slices/0")
    drawn = {s["region"]: s for s in opened["shapes"]}
    assert not drawn["MF_R"]["polygon"]
    assert {round(((x - 40) ** 2 + (y - 75) ** 2) ** 0.5, 9) for x, y in drawn["MF_R"]["points"]} == {5}
    assert sorted(drawn["IVD"]["points"]) == sorted(box(35, 20, 64, 49))
    edits = [shape(s["region"], s["points"] if s["polygon"] else None, s["index"]) for s in opened["shapes"]]
    edits = [e for e in edits if e["region"] != "IVD"] + [shape("IVD", box(34, 20, 64, 49))]
    served.ask("slices/0/save", {"base": opened["digest"], "shapes": edits})
    after = {s["label"]: s for s in json.loads(path.read_text())["shapes"]}
    assert after["MF_R"] == circle
    assert (after["IVD"]["shape_type"], after["IVD"]["points"]) == ("polygon", box(34, 20, 64, 49))
    served.end()
