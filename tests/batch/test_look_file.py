"""Looks: read and written, applied to photos, refused in one line that helps."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import depthfx
from depthfx.batch.job import Job, Settings
from depthfx.batch.look import Look
from depthfx.batch.names import filled
from depthfx.batch.override import Override
from depthfx.batch.photos import Item, find_photos
from depthfx.batch.sections import Lock, ModelChoice, Opening, Output
from depthfx.chain import Chain
from depthfx.errors import DepthfxError, ParameterError, RecipeError
from depthfx.recipe import from_toml, read_recipe
from depthfx_effects import Bokeh, DepthPicture, Fog, Grade, Portrait, Relight

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "recipes"
HEAD = "depthfx = 1\n[[effect]]\nname = 'portrait'\n"

shares = st.floats(0, 1)
chains = st.lists(
    st.one_of(
        st.builds(Bokeh, f_number=st.floats(0.7, 64)),
        st.builds(Portrait, f_number=st.floats(0.7, 64), focus_xy=st.tuples(shares, shares)),
    ),
    min_size=1,
    max_size=3,
).map(lambda effects: Chain(*effects))


def some(kind, **values):
    """Of a section, with any of these keys said."""
    return st.fixed_dictionaries({}, optional=values).map(lambda said: kind(**said))


outputs = some(
    Output,
    format=st.sampled_from(["jpg", "png", "same"]),
    name=st.sampled_from(["{folder}/{stem}", "{date:%Y}/{number:04d}-{look}", "{stem}-{effect}"]),
    quality=st.integers(1, 100),
    bit_depth=st.sampled_from([8, 16]),
    strip_location=st.booleans(),
)
models = some(
    ModelChoice,
    name=st.text(max_size=5),
    quality=st.sampled_from(["draft", "best"]),
    commercial_only=st.booleans(),
    memory_limit_gb=st.floats(0.5, 100),
)
locks = some(
    Lock,
    f_number=st.floats(0.7, 64),
    focus=st.sampled_from(["subject", "set", "0.5,0.4", "2.5m", "7ft"]),
    depth_range=st.sampled_from(["photo", "set", "2m..30m", "50cm..", "2..3m"]),
    reach=st.sampled_from(["photo", "set", "2m..30m"]),
)
openings = some(
    Opening,
    f35=st.floats(1, 500),
    scale_at=st.lists(st.just("0.5,0.4=2.5m"), max_size=2).map(tuple),
    subject_xy=st.tuples(shares, shares),
    phone_depth=st.booleans(),
    raw_highlights=st.just("clip"),
)
patterns = st.sampled_from(["*.jpg", "day/", "IMG_[12]*", "a/**/b", "quo'te\"*", "\N{WEDDING}"])


def overrides(chain):
    tables = st.dictionaries(
        st.sampled_from([effect.name for effect in chain.effects]),
        st.fixed_dictionaries({"f_number": st.floats(0.7, 64)}),
    )
    return st.builds(
        Override,
        match=st.lists(patterns, min_size=1, max_size=3).map(tuple),
        skip=st.none() | st.booleans(),
        opening=openings,
        output=outputs,
        effects=tables,
    )


@st.composite
def looks(draw):
    chain = draw(chains)
    sidecars = st.dictionaries(st.sampled_from(["matte", "depth"]), st.just("m/{stem}.png"))
    return Look(
        chain,
        "look",
        draw(outputs),
        draw(models),
        draw(locks),
        draw(sidecars),
        photos=tuple(draw(st.lists(overrides(chain), max_size=3))),
    )


@given(looks())
def test_a_look_survives_being_written_down(look):
    again = Look.from_toml(look.to_toml())
    assert again == look
    assert again.digest == look.digest
    assert again.to_toml() == look.to_toml()


def job_of(text: str, name: str = "a.jpg", folder: Path | None = None, **item) -> Job:
    look = Look.from_toml(text, "look.toml", folder)
    (job,) = look.jobs([Item(name, f"in/{name}", **item)])
    return job


@given(st.text())
def test_any_text_is_a_look_or_a_clear_refusal(text):
    said = "look.toml:"
    try:
        Look.from_toml(HEAD + text, "look.toml")
    except DepthfxError as error:
        said = str(error)
    assert said.startswith("look.toml:")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("[outptu]", "did you mean 'output'"),
        ("[output]\nquallity = 90", "output: unknown key 'quallity'; did you mean 'quality'"),
        ("[output]\nquality = 101", "quality = 101"),
        ("[output]\nquality = true", "quality = true is no value"),
        ("[output]\nname = '{stm}'", "no field {stm}; did you mean 'stem'"),
        ("[output]\nname = '../{stem}'", "leads out of the output folder"),
        ("[output]\nname = '/tmp/{stem}'", "leads out of the output folder"),
        ("[output]\nname = '{stem.x}'", "no field {stem.x}"),
        ("[output]\nname = '{stem!r}'", "takes nothing after its name"),
        ("[output]\nname = '{stem'", "is no template"),
        ("[output]\nname = '{stem}/'", "names a folder"),
        ("[output]\nname = 'depthfx-report/{stem}'", "the batch's own folder"),
        ("[output]\nformat = 'jpg/..'", "a format is an extension"),
        ("[model]\nqualty = 'best'", "did you mean 'quality'"),
        ("[model]\nquality = 'worst'", "quality = 'worst'"),
        ("[lock]\nfocus = 'nearest'", "focus is subject, set, a place"),
        ("[lock]\ndepth_range = '30m..2m'", "a range is photo, set, or distances"),
        ("[lock]\ndepth_range = '10%..20%'", "a range is photo, set, or distances"),
        ("[lock]\nf_number = 0.1", "f_number = 0.1"),
        ("[lock]\nf_number = 2\nlike = '85mm'", "f_number and like both say"),
        ("[lock]\nlike = 'a good one'", "lock:"),
        ("[sidecars]\nmattes = 'x'", "did you mean 'matte'"),
        ("[sidecars]\nmatte = 'm/{name}.png'", "no field {name}; there are: folder, stem, ext"),
        ("[sidecars]\nmatte = 3", "matte is a template like"),
        ("[photo]\nmatch = '*'", "in double brackets"),
        ("[[photo]]\nf35 = 50", "photo 1: has no match"),
        ("[[photo]]\nmatch = '..'", "photo 1: match: '..' fits no photo"),
        ("[[photo]]\nmatch = '*'\nskp = true", "photo 1: unknown key 'skp'; did you mean 'skip'"),
        ("[[photo]]\nmatch = '*'\n[photo.bokeh]\nf_number = 2", "unknown key 'bokeh'"),
        (
            "[[photo]]\nmatch = '*'\n[[photo]]\nmatch = '*'\n[photo.portrait]\nf_numbr = 2",
            "photo 2: portrait has no parameter 'f_numbr'; did you mean 'f_number'",
        ),
        ("[[photo]]\nmatch = '*'\nscale_at = '0.5=2m'", "'0.5=2m' is no known distance"),
        ("[[photo]]\nmatch = '*'\nsubject_xy = '2,0.5'", "is not X,Y as shares"),
    ],
)
def test_what_is_wrong_is_named_before_any_photo_is_begun(body, answer):
    with pytest.raises(RecipeError, match=r"^look\.toml: ") as caught:
        Look.from_toml(HEAD + body, "look.toml")
    assert answer in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_with_tables_of_a_batch_is_the_same_chain_to_others():
    chain = from_toml(HEAD + "[output]\nformat = 'jpg'\n[lock]\nf_number = 4\n[[photo]]")
    assert chain == Chain(Portrait())


# What counts more


def test_later_wins_over_earlier_and_beside_over_all(tmp_path):
    (tmp_path / "a.depthfx.toml").write_text("f35 = 28\n[portrait]\nf_number = 5.6\n")
    text = (
        HEAD
        + """f_number = 1.2
[output]
format = "png"
[lock]
f_number = 2.8
[[photo]]
match = "*"
f35 = 50
[photo.portrait]
f_number = 4
blades = 7
[[photo]]
match = "a.*"
[photo.output]
format = "tif"
"""
    )
    plain = job_of(text, "b.jpg")
    assert from_toml(plain.recipe) == Chain(Portrait(f_number=4, blades=7))
    assert (plain.target, plain.opening) == ("b.png", {"f35_mm": 50.0})
    job = job_of(text, companions={"overrides": str(tmp_path / "a.depthfx.toml")})
    assert from_toml(job.recipe) == Chain(Portrait(f_number=5.6, blades=7))
    assert (job.target, job.opening) == ("a.tif", {"f35_mm": 28.0})
    locked = job_of(text.partition("[[photo]]")[0])
    assert from_toml(locked.recipe) == Chain(Portrait(f_number=2.8))


def test_a_place_takes_the_place_of_a_distance_for_one_photo():
    text = HEAD + "[lock]\nfocus='3m'\n[[photo]]\nmatch='*'\n[photo.portrait]\nfocus_xy='0.4,0.3'"
    assert from_toml(job_of(text).recipe) == Chain(Portrait(focus_xy=(0.4, 0.3)))


def test_what_is_skipped_is_no_job_and_can_be_taken_back():
    text = HEAD + "[[photo]]\nmatch='day/'\nskip=true\n[[photo]]\nmatch='b.*'\nskip=false\n"
    look = Look.from_toml(text)
    items = [Item(name, name) for name in ("day/a.jpg", "day/b.jpg", "c.jpg")]
    assert [job.name for job in look.jobs(items)] == ["day/b.jpg", "c.jpg"]
    assert look.job(items[0]) is None


@pytest.mark.parametrize(
    ("beside", "answer"),
    [
        ("f_number = 2", "unknown key 'f_number'"),
        ("[portrait]\nf_number = 900", "outside 0.7 to 64"),
        ("[fog]\ndensty = 1", "did you mean 'density'"),
        ("[fgo]\ndensity = 1", "unknown key 'fgo'; did you mean 'fog'"),
        ("skip = ", "not a TOML file"),
        ("[output]\nformat = 'docx'", "format = 'docx' is not to be had"),
        ("match = '*'", "unknown key 'match'"),
    ],
)
def test_a_broken_file_beside_a_photo_fails_that_photo_alone(tmp_path, beside, answer):
    path = tmp_path / "a.depthfx.toml"
    path.write_text(beside)
    items = [Item("a.jpg", "a.jpg", {"overrides": str(path)}), Item("b.jpg", "b.jpg")]
    broken, fine = Look.of(Chain(Portrait())).jobs(items)
    assert broken.fault.startswith(str(path))
    assert answer in broken.fault
    assert not fine.fault


def test_a_file_beside_a_photo_may_speak_of_effects_of_other_looks(tmp_path):
    path = tmp_path / "a.depthfx.toml"
    path.write_text("[portrait]\nf_number = 4\n[fog]\ndensity = 2\n")
    look = Look.of(Chain(Portrait()))
    (job,) = look.jobs([Item("a.jpg", "a.jpg", {"overrides": str(path)})])
    assert from_toml(job.recipe) == Chain(Portrait(f_number=4))


# What a lock means


@pytest.mark.parametrize(
    ("lock", "before", "after"),
    [
        (Lock(f_number=4), Portrait(aperture_mm=30), Portrait(f_number=4)),
        (Lock(like="85mm f/1.4"), Bokeh(f_number=2), Bokeh(like="85mm f/1.4")),
        (Lock(focus="subject"), Bokeh(focus_m=3), Bokeh()),
        (Lock(focus="0.5,0.4"), Bokeh(focus_m=3), Bokeh(focus_xy=(0.5, 0.4))),
        (Lock(focus="250cm"), Bokeh(focus_xy=(0.5, 0.4)), Bokeh(focus_m=2.5)),
        (Lock(depth_range="2m..30m"), DepthPicture(), DepthPicture(near_m=2, far_m=30)),
        (Lock(depth_range="2m.."), DepthPicture(), DepthPicture(near_m=2, far_m=1e5)),
        # Half of the way from 1 m to 100 m is 10 m.
        (
            Lock(reach="1m..100m"),
            Grade(from_share=0, to_share=0.5),
            Grade(from_m=1, to_m=10, from_share=0, to_share=0.5),
        ),
        (Lock(f_number=4, focus="2m", depth_range="2m..3m"), Fog(), Fog()),
    ],
)
def test_a_lock_becomes_parameters(lock, before, after):
    assert Look(Chain(before), lock=lock).locked_chain == Chain(after)


# Names of results


def test_templates_are_filled():
    from datetime import datetime

    def name(template: str, photo: str = "day 1/IMG_0042.CR3", taken=None) -> str:
        return filled(
            template, photo, effect="fog-portrait", look="soft", number=7, date=lambda: taken
        )

    assert name("{folder}/{stem}-{effect}") == "day 1/IMG_0042-fog-portrait"
    assert name("{folder}/{stem}", "a.b.jpg") == "a.b"
    assert name("{look}/{number:04d}.{ext}") == "soft/0007.cr3"
    assert name("{date:%Y-%m}/{stem}", taken=datetime(2026, 6, 5)) == "2026-06/IMG_0042"
    assert name("{date:%Y-%m}/{stem}") == "undated/IMG_0042"


def test_the_date_is_that_of_the_exif(tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:02:29 23:59:58"
    Image.new("RGB", (8, 6)).save(tmp_path / "a.jpg", exif=exif)
    look = Look.from_toml(HEAD + "[output]\nname='{date:%Y%m%d-%H%M%S}'")
    (job,) = look.jobs(find_photos([tmp_path]))
    assert job.target == "20240229-235958.jpg"


def test_results_keep_their_kind_or_take_the_one_asked_for():
    items = [Item(name, name) for name in ("1.JPG", "2.png", "3.CR3", "4.gif")]
    same = Look.of(Chain(Portrait())).jobs(items)
    assert [job.target for job in same] == ["1.jpg", "2.png", "3.tif", "4.png"]
    jpeg = Look.from_toml(HEAD + "[output]\nformat = 'JPG'").jobs(items)
    assert [job.target for job in jpeg] == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]


def test_what_is_no_picture_has_its_own_kinds():
    head = "depthfx = 1\n[[effect]]\nname = 'layers'\n"
    assert job_of(head).target == "a"
    assert job_of(head + "for = 'photoshop'").target == "a.psd"
    assert job_of(head + "for = 'nuke'\n[output]\nformat = 'folder'").target == "a"
    with pytest.raises(ParameterError, match="format = 'jpg' is not to be had"):
        job_of(head + "[output]\nformat = 'jpg'")


def test_what_cannot_be_written_is_refused_before_work():
    with pytest.raises(ParameterError, match="bit_depth=16 is not to be had in JPEG"):
        job_of(HEAD + "[output]\nformat = 'jpg'\nbit_depth = 16")
    with pytest.raises(DepthfxError, match="p3x"):
        job_of(HEAD + "[output]\nprofile = 'p3x'")


def test_two_photos_never_become_one_file(tmp_path):
    look = Look.from_toml(HEAD + "[output]\nformat = 'jpg'")
    with pytest.raises(ParameterError, match=r"x/a\.png and x/a\.tif would both .*\{ext\}"):
        look.jobs([Item("a.png", "x/a.png"), Item("a.tif", "x/a.tif")])
    folders = Look.from_toml("depthfx = 1\n[[effect]]\nname = 'layers'\n")
    with pytest.raises(ParameterError, match="in which the result of"):
        folders.jobs([Item("a.png", "a.png"), Item("a/b.png", "a/b.png")])


def test_results_among_the_photos_are_no_photos_and_no_photo_is_written_over(tmp_path):
    for name in ("a.jpg", "a-portrait.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"")
    look = Look.from_toml(HEAD + "[output]\nname = '{folder}/{stem}-{effect}'")
    jobs = look.jobs(find_photos([tmp_path]), tmp_path)
    assert [job.name for job in jobs] == ["a.jpg", "b.jpg"]
    with pytest.raises(ParameterError, match="would be written over itself"):
        Look.of(Chain(Portrait())).jobs(find_photos([tmp_path]), tmp_path)


# Companions, files, keys


def test_sidecars_open_the_photo_unless_an_override_says_otherwise():
    found = {"matte": "in/a-mask.png", "depth": "in/a.depth.exr", "jpeg": "in/a.jpg"}
    job = job_of(HEAD, "a.CR3", companions=found)
    assert job.opening == {"matte": "in/a-mask.png", "depth": "in/a.depth.exr"}
    assert job.companions == ("in/a-mask.png", "in/a.depth.exr")
    text = HEAD + "[[photo]]\nmatch = '*'\nmatte = 'other.png'\ndepth_fix = 'sky.png=far'"
    job = job_of(text, "a.CR3", companions=found)
    assert job.opening["matte"] == "other.png"
    assert set(job.companions) == {"in/a.depth.exr", "other.png", "sky.png"}


def test_who_names_a_model_wants_its_depth_and_not_the_phones():
    assert "phone_depth" not in job_of(HEAD).opening
    assert job_of(HEAD + "[model]\nname = 'embedded'").opening == {"phone_depth": False}


def test_options_win_over_the_file_and_lose_against_photos_of_their_own():
    look = Look.from_toml(
        HEAD + "[output]\nformat='png'\n[model]\nquality='draft'\n[[photo]]\nmatch='b*'\nf35=28\n"
    )
    look = look.asked(
        {"format": "jpg", "jpeg_quality": 80, "quality": "best", "f35_mm": 50, "cache": "x"}
    )
    a, b = look.jobs([Item("a.jpg", "a.jpg"), Item("b.jpg", "b.jpg")])
    assert (a.target, a.saving, a.opening["f35_mm"]) == ("a.jpg", {"jpeg_quality": 80}, 50)
    assert b.opening["f35_mm"] == 28
    assert look.settings({"checks": False}) == Settings(quality="best", checks=False)
    assert Look.from_toml(look.to_toml()).jobs([Item("b.jpg", "b.jpg")]) == [b]


def cube(path: Path, red: float) -> None:
    path.write_text(f"LUT_3D_SIZE 2\n{red} 0 0\n" + "0.5 0.5 0.5\n" * 7)


def test_files_count_from_the_recipes_folder(tmp_path, monkeypatch):
    folder = tmp_path / "looks"
    folder.mkdir()
    cube(folder / "near.cube", 0)
    cv2.imwrite(str(folder / "hole.png"), np.full((8, 8), 255, np.uint8))
    text = """depthfx = 1
[[effect]]
name = "grade"
near_lut = "near.cube"
[[effect]]
name = "relight"
gobo = "hole.png"
light = ["key left gobo hole.png", "rim gobo leaves"]
[[effect]]
name = "bokeh"
kernel = "hole.png"
"""
    (folder / "look.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    grade, relight, bokeh = read_recipe(Path("looks/look.toml")).effects
    assert isinstance(grade, Grade)
    assert isinstance(relight, Relight)
    assert isinstance(bokeh, Bokeh)
    assert grade.near_lut == Path("looks/near.cube")
    assert bokeh.kernel == Path("looks/hole.png")
    assert relight.files == (Path("looks/hole.png"), Path("looks/hole.png"))
    # What is found from the working folder is taken from there, as ever.
    cube(tmp_path / "near.cube", 0)
    assert read_recipe(Path("looks/look.toml")).effects[0].near_lut == Path("near.cube")


def test_files_of_single_photos_count_from_where_they_are_named(tmp_path, monkeypatch):
    looks, shoot = tmp_path / "looks", tmp_path / "shoot"
    looks.mkdir(), shoot.mkdir()
    cube(looks / "all.cube", 0)
    cube(shoot / "one.cube", 0)
    (shoot / "hole.png").write_bytes(b"")
    (looks / "look.toml").write_text(
        "depthfx = 1\n[[effect]]\nname='grade'\n"
        "[[photo]]\nmatch='*'\n[photo.grade]\nfar_lut='all.cube'\n"
    )
    beside = shoot / "a.depthfx.toml"
    beside.write_text("depth_fix = 'hole.png=far'\n[grade]\nnear_lut = 'one.cube'\n")
    monkeypatch.chdir(tmp_path)
    item = Item("a.jpg", "shoot/a.jpg", {"overrides": "shoot/a.depthfx.toml"})
    (job,) = Look.of("looks/look.toml").jobs([item])
    expected = Grade(near_lut=Path("shoot/one.cube"), far_lut=Path("looks/all.cube"))
    assert from_toml(job.recipe) == Chain(expected)
    assert job.opening == {"depth_fix": ["shoot/hole.png=far"]}
    assert job.companions == ("shoot/hole.png",)


def test_a_key_tells_all_that_decides_and_nothing_else(tmp_path):
    cube(tmp_path / "n.cube", 0)
    text = "depthfx = 1\n[[effect]]\nname='grade'\nnear_lut='n.cube'\n[output]\nquality=90\n"

    def key(text: str, **item) -> str:
        look = Look.from_toml(text, "look", tmp_path)
        (job,) = look.jobs([Item("a.jpg", item.pop("source", "in/a.jpg"), **item)])
        return look.key(job)

    plain = key(text)
    matte = key(text, companions={"matte": "in/a.matte.png"})
    assert key(text, source="moved/a.jpg") == plain
    assert key(text + "[model]\ndevice = 'cpu'") == plain
    assert key(text, companions={"matte": "moved/a.matte.png"}) == matte
    others = {
        matte,
        key(text.replace("90", "91")),
        key(text + "[model]\nquality = 'best'"),
        key(text + "[[photo]]\nmatch='*'\n[photo.grade]\nfar_exposure = 1"),
    }
    cube(tmp_path / "n.cube", 0.25)
    others.add(key(text))
    assert len(others | {plain}) == 6
    look = Look.from_toml(text)
    assert look.digest == Look.from_toml(text + "[[photo]]\nmatch='*'\nskip=true").digest
    assert look.digest != Look.from_toml(text + "[model]\nquality='best'").digest


def test_a_job_travels_as_json():
    job = job_of(HEAD + "[[photo]]\nmatch='*'\nsubject_xy='0.4,0.3'", "not\udcff utf-8.jpg")
    again = Job.from_json(json.loads(json.dumps(job.to_json())))
    assert again == job
    assert Look.of(Chain(Portrait())).key(again) == Look.of(Chain(Portrait())).key(job)


def test_the_order_of_photos_changes_no_job():
    look = Look.from_toml(HEAD + "[[photo]]\nmatch='b*'\nf35=28\n")
    items = [Item(f"{name}.jpg", f"{name}.jpg") for name in ("a", "b", "c", "b2")]
    jobs = {job.name: job for job in look.jobs(items)}
    assert {job.name: job for job in look.jobs(items[::-1])} == jobs


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.toml")))
def test_sample_looks(name, tmp_path):
    for photo in ("groups/a.CR3", "venue/b.jpg", "rejects/c.jpg", "d.heic"):
        (tmp_path / photo).parent.mkdir(exist_ok=True)
        (tmp_path / photo).write_bytes(b"")
    look = Look.of(SAMPLES / f"{name}.toml")
    assert look.name == name
    jobs = look.jobs(find_photos([tmp_path]), tmp_path / "out")
    assert len({job.target for job in jobs}) == len(jobs) >= 3
    assert not any(job.fault for job in jobs)


def test_what_a_look_says_is_what_happens_to_the_photo(tmp_path):
    """The job's keywords open, change and save a photo as they stand."""
    pixels = np.full((24, 32, 3), 128, np.uint8)
    cv2.imwrite(str(tmp_path / "a.jpg"), pixels)
    cv2.imwrite(str(tmp_path / "a.matte.png"), np.full((24, 32), 255, np.uint8))
    depth = np.linspace(2, 8, 24 * 32, dtype=np.float32).reshape(24, 32)
    np.save(tmp_path / "a.depth.npy", depth)
    text = """depthfx = 1
[[effect]]
name = "depth-picture"
colours = "grey"
[output]
format = "png"
bit_depth = 16
[lock]
depth_range = "2m..8m"
[[photo]]
match = "a.*"
f35 = 50
depth_unit = "m"
depth_polarity = "far-white"
"""
    look = Look.from_toml(text)
    (job,) = look.jobs(find_photos([tmp_path]), tmp_path / "out")
    scene = depthfx.open(job.source, **job.opening)
    assert scene.camera.f35_mm == pytest.approx(50)
    assert scene.matte.min() == 1
    out = tmp_path / "out" / job.target
    out.parent.mkdir()
    depthfx.save(from_toml(job.recipe)(scene), out, **job.saving)
    grey = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)[..., 0]
    assert grey.dtype == np.uint16
    assert (grey[0, 0], grey[-1, -1]) == (65535, 0)


def test_films_are_told_how_to_focus_and_photos_are_not():
    look = Look.from_toml(HEAD + "[film]\nfocus = 'lock'\n", "look.toml")
    film, photo, frames = look.jobs(
        [Item("a.mov", "a.mov"), Item("b.jpg", "b.jpg"), Item("take", "take", frames=True)]
    )
    assert (film.film, photo.film, frames.film) == ({"focus": "lock"}, {}, {"focus": "lock"})
    assert (film.target, frames.target) == ("a.mov", "take")
    (film,) = look.asked({"film_focus": "follow"}).jobs([Item("a.mov", "a.mov")])
    assert film.film == {"focus": "follow"}
    with pytest.raises(DepthfxError, match=r"look\.toml: film: focus"):
        Look.from_toml(HEAD + "[film]\nfocus = 'near'\n", "look.toml")
