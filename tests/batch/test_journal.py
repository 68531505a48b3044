"""Journal: what is done stays done, what is the user's stays his, whenever the power goes."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from depthfx.batch import deliver, journal, notes, past
from depthfx.batch.deliver import JOURNAL, REPORT
from depthfx.batch.job import Job, Result, Status
from depthfx.batch.journal import Journal, foreseen
from depthfx.errors import DepthfxError, PhotoError

LOOK = "a look"


def jobs_of(folder, *names):
    return [Job(name, str(folder / name), f"{Path(name).stem}.out", "recipe") for name in names]


@pytest.fixture
def shoot(tmp_path):
    """Three photos; of "layers" a folder and a picture beside it are made."""
    photos = tmp_path / "in"
    photos.mkdir()
    for name in ("a", "b", "layers"):
        (photos / name).write_text(f"light of {name}")
    return photos


def works_on(job, staging):
    """What a worker does: one file, or a folder and one beside it, made of the photo's content."""
    content = Path(job.source).read_text()
    folder = staging / job.slot
    target = folder / job.target
    target.parent.mkdir(parents=True)
    made = [target]
    if "layers" in job.name:
        target.mkdir()
        (target / "depthfx.json").write_text("{}")
        (target / "front").write_text(content)
        made.append(target.with_name(f"{target.stem}-depth.out"))
    made[-1].write_text(content.upper())
    picture = folder / REPORT / "pictures" / f"{job.slot}.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_text(content)
    return Result(
        job.name,
        job.source,
        Status.DONE,
        tuple(deliver.written(path, folder) for path in made),
        source_sha256=deliver.content_sha256(job),
        pictures={"before": f"pictures/{picture.name}"},
    )


def carry_out(out, jobs, look=LOOK, **how):
    """A whole run; what became of each photo, by name."""
    with Journal(out, look, **how) as log:
        settled, left = log.split(jobs)
        done = [log.delivered(job, works_on(job, log.staging)) for job in left]
    return {result.name: result for result in (*settled, *done)}


def statuses(results):
    return {name: result.status.value for name, result in results.items()}


def tree(out):
    """Content of all files of the results."""
    return {
        path.relative_to(out).as_posix(): path.read_text()
        for path in sorted(out.rglob("*"))
        if path.is_file() and JOURNAL not in path.parts and REPORT not in path.parts
    }


def lines(out, kind):
    """What whole lines of one kind the journal has."""
    path = out / JOURNAL / "journal.jsonl"
    text = path.read_text().rpartition("\n")[0] if path.exists() else ""
    return [line[kind] for line in map(json.loads, text.splitlines()) if kind in line]


def test_a_second_run_finds_all_done(shoot, tmp_path):
    jobs, out = jobs_of(shoot, "a", "b", "layers"), tmp_path / "out"
    assert set(statuses(carry_out(out, jobs)).values()) == {"done"}
    before = tree(out)
    again = carry_out(out, jobs)
    assert set(statuses(again).values()) == {"kept"}
    assert again["a"].written[0].sha256 == deliver.sha256(out / "a.out")
    assert (
        before
        == tree(out)
        == {
            "a.out": "LIGHT OF A",
            "b.out": "LIGHT OF B",
            "layers.out/depthfx.json": "{}",
            "layers.out/front": "light of layers",
            "layers-depth.out": "LIGHT OF LAYERS",
        }
    )
    assert {path.name for path in (out / JOURNAL).iterdir()} == {"journal.jsonl", "lock"}
    assert len(list((out / REPORT / "pictures").iterdir())) == 3


CRASHING = (journal.__file__, past.__file__, notes.__file__, deliver.__file__)


def killed_at(moment, work):
    """Whether `work` came to its end in a process that dies before the `moment`-th line."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    count = 0

    def trace(frame, event, _):
        nonlocal count
        if frame.f_code.co_filename not in CRASHING:
            return None
        if event == "line":
            count += 1
            if count == moment:
                os._exit(9)
        return trace

    sys.settrace(trace)
    work()
    os._exit(0)


@pytest.mark.parametrize(
    ("first", "step"),
    [(1, 23), *(pytest.param(first, 5, marks=pytest.mark.slow) for first in range(1, 6))],
)
def test_killed_before_any_line_and_begun_again_the_results_are_the_same(
    first, step, shoot, tmp_path
):
    """Every other time the photos have changed since an earlier run, so that files and folders
    are replaced."""
    jobs = jobs_of(shoot, "a", "b", "layers")
    moment, ended = first, False
    while not ended:
        out, anew = tmp_path / f"out{moment}", moment % 2
        for name in ("a", "layers"):
            (shoot / name).write_text(f"light of {name}")
        if anew:
            carry_out(out, jobs)
            for name in ("a", "layers"):
                (shoot / name).write_text(f"other light of {name}")
        ended = killed_at(moment, lambda out=out: carry_out(out, jobs))
        surely = set() if anew else set(lines(out, "done"))
        results = carry_out(out, jobs)
        assert set(statuses(results).values()) <= {"done", "kept"}
        assert not {name for name in surely if results[name].status is Status.DONE}
        light = {name: (shoot / name).read_text() for name in ("a", "b", "layers")}
        assert tree(out) == {
            "a.out": light["a"].upper(),
            "b.out": light["b"].upper(),
            "layers.out/depthfx.json": "{}",
            "layers.out/front": light["layers"],
            "layers-depth.out": light["layers"].upper(),
        }
        assert {path.name for path in (out / JOURNAL).iterdir()} == {"journal.jsonl", "lock"}
        moment += step
    assert moment > 300  # there were that many lines to die before


@given(cut=st.integers(0, 400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_a_journal_that_lost_its_last_words_is_taken_up(cut, shoot, tmp_path_factory):
    """What was about to be put in place is known to be; only "done" can be missing or torn."""
    out = tmp_path_factory.mktemp("torn") / "out"
    jobs = jobs_of(shoot, "a", "b")
    carry_out(out, jobs)
    path = out / JOURNAL / "journal.jsonl"
    whole = path.read_bytes()
    after_last_entry = whole.rindex(b"\n", 0, whole.rindex(b'{"done"')) + 1
    path.write_bytes(whole[: max(after_last_entry, len(whole) - cut)])
    assert set(statuses(carry_out(out, jobs)).values()) == {"kept"}


def test_lines_a_bad_disk_has_spoilt_count_as_not_written(shoot, tmp_path):
    out, jobs = tmp_path / "out", jobs_of(shoot, "a", "b")
    carry_out(out, jobs)
    path = out / JOURNAL / "journal.jsonl"
    spoilt = [
        b"\0" * len(line) if line.startswith(b'{"done": "b"') else line
        for line in path.read_bytes().split(b"\n")
    ]
    path.write_bytes(b"\n".join(spoilt) + b'[1]\n"put"\n{"put": 3}\n{"put": {"name": 1}}\n\xff\n')
    assert set(statuses(carry_out(out, jobs)).values()) == {"kept"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"journal": 2}\n', "newer depthfx"),
        (b"Dear diary,\n", "no journal"),
        (b"\x89PNG\r\n\x1a\n\0\0", "no journal"),
        (b"[]\n", "no journal"),
    ],
    ids=["newer", "text", "picture", "list"],
)
def test_a_file_that_is_no_journal_is_refused_and_stays(content, words, shoot, tmp_path):
    path = tmp_path / "out" / JOURNAL / "journal.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DepthfxError, match=words) as error:
        carry_out(tmp_path / "out", jobs_of(shoot, "a"))
    assert "\n" not in str(error.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b'{"jour'], ids=["empty", "torn"])
def test_a_journal_that_was_hardly_begun_is_begun_again(content, shoot, tmp_path):
    path = tmp_path / "out" / JOURNAL / "journal.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert statuses(carry_out(tmp_path / "out", jobs_of(shoot, "a"))) == {"a": "done"}


def test_what_was_removed_is_made_again_and_what_was_altered_is_left(shoot, tmp_path):
    out, jobs = tmp_path / "out", jobs_of(shoot, "a", "b", "layers")
    carry_out(out, jobs)
    (out / "a.out").unlink()
    (out / "b.out").write_text("retouched")
    (out / "layers.out" / "mine.aep").write_text("a day's work")
    results = carry_out(out, jobs)
    assert statuses(results) == {"a": "done", "b": "kept", "layers": "kept"}
    assert results["b"].findings == results["layers"].findings == past.ALTERED
    assert not results["a"].findings
    assert tree(out)["b.out"] == "retouched"
    assert tree(out)["layers.out/mine.aep"] == "a day's work"
    (shoot / "b").write_text("another light")  # must be done again, and must not
    results = carry_out(out, jobs)
    assert statuses(results) == {"a": "kept", "b": "failed", "layers": "kept"}
    assert "b.out: was altered" in results["b"].error
    (shoot / "b").write_text("light of b")
    assert set(statuses(carry_out(out, jobs, overwrite=True)).values()) == {"done", "kept"}
    assert tree(out)["b.out"] == "LIGHT OF B"


def test_new_times_alone_are_no_change(shoot, tmp_path):
    """Copying to another disk, or backing up and back, may do that."""
    out, jobs = tmp_path / "out", jobs_of(shoot, "a", "layers")
    carry_out(out, jobs)
    for path in (out / "a.out", shoot / "a", out / "layers.out" / "front"):
        os.utime(path, (1, 1))
    assert set(statuses(carry_out(out, jobs)).values()) == {"kept"}


def test_a_changed_photo_companion_or_recipe_is_done_again(shoot, tmp_path):
    out, (job,) = tmp_path / "out", jobs_of(shoot, "a")
    matte = shoot / "a.matte"
    matte.write_text("where")
    job = replace(job, companions=(str(matte),))
    assert statuses(carry_out(out, [job])) == {"a": "done"}
    (shoot / "a").write_text("more light")
    assert statuses(carry_out(out, [job])) == {"a": "done"}
    matte.write_text("there")
    assert statuses(carry_out(out, [job])) == {"a": "done"}
    job = replace(job, recipe="f/1.4 for this one")
    assert statuses(carry_out(out, [job])) == {"a": "done"}
    assert statuses(carry_out(out, [job])) == {"a": "kept"}
    assert tree(out) == {"a.out": "MORE LIGHT"}


def test_a_moved_shoot_is_kept_but_another_photo_of_that_name_is_refused(shoot, tmp_path):
    out = tmp_path / "out"
    carry_out(out, jobs_of(shoot, "a", "b"))
    moved = shoot.rename(tmp_path / "archive")
    assert set(statuses(carry_out(out, jobs_of(moved, "a", "b"))).values()) == {"kept"}
    other = tmp_path / "day 2"
    other.mkdir()
    (other / "a").write_text("other light")
    results = carry_out(out, jobs_of(other, "a"))
    assert statuses(results) == {"a": "failed"}
    assert str(moved / "a") in results["a"].error or str(shoot / "a") in results["a"].error
    assert tree(out)["a.out"] == "LIGHT OF A"


def test_a_photo_that_is_gone_leaves_its_result(shoot, tmp_path):
    out = tmp_path / "out"
    carry_out(out, jobs_of(shoot, "a", "b"))
    (shoot / "a").unlink()
    assert statuses(carry_out(out, jobs_of(shoot, "b"))) == {"b": "kept"}
    assert "a.out" in tree(out)


def test_what_the_user_has_put_there_is_never_replaced_unasked(shoot, tmp_path):
    out, jobs = tmp_path / "out", jobs_of(shoot, "a", "b", "layers")
    (out / "layers.out").mkdir(parents=True)
    (out / "a.out").write_text("mine")
    (out / "notes").write_text("mine too")
    results = carry_out(out, jobs)
    assert statuses(results) == {"a": "failed", "b": "done", "layers": "failed"}
    assert "a.out: exists already; --overwrite replaces it" in results["a"].error
    assert tree(out) == {"a.out": "mine", "notes": "mine too", "b.out": "LIGHT OF B"}
    results = carry_out(out, jobs, overwrite=True)
    # A folder that depthfx did not write is not replaced at all.
    assert statuses(results) == {"a": "done", "b": "kept", "layers": "failed"}
    assert tree(out)["a.out"] == "LIGHT OF A"


def test_a_product_nobody_foresaw_does_not_replace_the_users_file(shoot, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "layers-depth.out").write_text("mine")
    assert statuses(carry_out(out, jobs_of(shoot, "layers"))) == {"layers": "failed"}
    assert tree(out) == {"layers-depth.out": "mine"}


def test_a_photo_is_never_written_over(shoot, tmp_path):
    """Results among the photos, with names that photos have."""
    jobs = [replace(job, target="b") for job in jobs_of(shoot, "a", "b")]
    for overwrite in (False, True):
        results = carry_out(shoot, jobs, overwrite=overwrite)
        assert set(statuses(results).values()) == {"failed"}
        assert "never written over" in results["a"].error
    assert (shoot / "b").read_text() == "light of b"


def test_a_name_may_be_as_long_as_a_disk_allows(shoot, tmp_path):
    name = "x" * 255
    out, photo = tmp_path / "out", shoot / name
    photo.write_text("light")
    job = Job(name, str(photo), target=name, recipe="")
    for _ in range(2):  # made, and replaced
        assert statuses(carry_out(out, [job])) == {name: "done"}
        photo.write_text("other light")


def test_a_link_that_leads_to_itself_fails_alone(shoot, tmp_path):
    (shoot / "b").unlink()
    (shoot / "b").symlink_to("b")
    with Journal(tmp_path / "out", LOOK) as log:
        settled, left = log.split(jobs_of(shoot, "a", "b"))
    assert not settled
    assert [job.name for job in left] == ["a", "b"]
    with pytest.raises(PhotoError, match="b: cannot be read"):
        deliver.content_sha256(left[1])


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing"])
def test_a_link_is_not_followed(there, shoot, tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    if there:
        elsewhere.write_text("precious")
    (out / "a.out").symlink_to(elsewhere)
    assert statuses(carry_out(out, jobs_of(shoot, "a"), overwrite=True)) == {"a": "failed"}
    assert elsewhere.exists() is there


def test_results_of_another_look_are_not_mixed(shoot, tmp_path):
    out, jobs = tmp_path / "out", jobs_of(shoot, "a")
    carry_out(out, jobs)
    other = [replace(job, recipe="another") for job in jobs]
    with pytest.raises(DepthfxError, match="holds results of another look; --overwrite"):
        carry_out(out, other, "another look")
    assert statuses(carry_out(out, other, "another look", overwrite=True)) == {"a": "done"}
    assert statuses(carry_out(out, other, "another look")) == {"a": "kept"}


def test_what_a_run_would_do_is_said_and_nothing_done(shoot, tmp_path):
    out, jobs = tmp_path / "out", jobs_of(shoot, "a", "b")
    assert foreseen(out, LOOK, jobs) == ([], jobs)
    assert not out.exists()
    carry_out(out, jobs[:1])
    (out / "b.out").write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    with Journal(out, LOOK):
        settled, left = foreseen(out, LOOK, jobs)
    assert statuses({result.name: result for result in settled}) == {"a": "kept", "b": "failed"}
    assert left == []
    with pytest.raises(DepthfxError, match="another look"):
        foreseen(out, "other", jobs)
    held = {out / JOURNAL, *(path for path in before if JOURNAL in path.parts)}
    assert {path: path.stat().st_mtime_ns for path in before if path not in held} == {
        path: time for path, time in before.items() if path not in held
    }


def test_facts_are_kept_as_long_as_the_look(tmp_path):
    with Journal(tmp_path, LOOK) as log:
        assert log.fact("range") is None
        log.note("range", [1.0, 2.5])
    with Journal(tmp_path, LOOK) as log:
        assert log.fact("range") == [1.0, 2.5]
    with Journal(tmp_path, "another look") as log:
        assert log.fact("range") is None


def test_failed_photos_are_tried_again(shoot, tmp_path):
    out, (job,) = tmp_path / "out", jobs_of(shoot, "a")
    with Journal(out, LOOK) as log:
        log.split([job])
        folder = log.staging / job.slot
        folder.mkdir()
        (folder / "half").write_text("of it")
        failed = Result("a", job.source, Status.FAILED, error=f"{folder / 'a.out'}: no such luck")
        assert log.delivered(job, failed).error == f"{out / 'a.out'}: no such luck"
        assert not folder.exists()
    assert statuses(carry_out(out, [job])) == {"a": "done"}


HOLDER = """
import sys, time
from pathlib import Path
from depthfx.batch.journal import Journal
with Journal(Path(sys.argv[1]), "a look"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_runs_at_once_are_refused_till_the_first_dies(shoot, tmp_path):
    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(out)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DepthfxError) as error:
            carry_out(out, jobs_of(shoot, "a"))
        assert f"another run is at work there (process {holder.pid} on " in str(error.value)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert statuses(carry_out(out, jobs_of(shoot, "a"))) == {"a": "done"}


@pytest.mark.parametrize("kind", ["file", "below a file", "link to nothing"])
def test_a_place_where_no_folder_can_be_is_one_line(kind, shoot, tmp_path):
    out = tmp_path / "out"
    if kind == "link to nothing":
        out.symlink_to(tmp_path / "nowhere" / "at all")
    else:
        out.write_text("a file")
    with pytest.raises(DepthfxError, match=str(out)) as error:
        carry_out(out / "deep" if kind == "below a file" else out, jobs_of(shoot, "a"))
    assert "\n" not in str(error.value)


def test_a_file_where_a_folder_is_needed_fails_that_photo_alone(shoot, tmp_path):
    out, (a, b) = tmp_path / "out", jobs_of(shoot, "a", "b")
    out.mkdir()
    (out / "day1").write_text("a file")
    results = carry_out(out, [replace(a, target="day1/a.out"), b])
    assert statuses(results) == {"a": "failed", "b": "done"}
    assert results["a"].error == f"{out}/day1/a.out: cannot be written: Not a folder"


NAMES = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"])
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF),  # bytes that are no UTF-8
    min_size=1,
    max_size=12,
).filter(lambda name: name not in (".", "..") and len(os.fsencode(name)) < 80)


@given(names=st.lists(NAMES, min_size=1, max_size=4, unique=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_photos_may_be_called_anything(names, tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    photos, out = folder / "in", folder / "out"
    photos.mkdir()
    for name in names:
        (photos / name).write_text(ascii(name))
    jobs = [Job(name, str(photos / name), f"{name}/{name}", "recipe") for name in names]
    done = carry_out(out, jobs)
    assert set(statuses(done).values()) == {"done"}
    assert set(statuses(carry_out(out, jobs)).values()) == {"kept"}
    assert sorted(tree(out).values()) == sorted(ascii(name).upper() for name in names)
