"""plan, apply and read back an estate."""

import tomllib

import pytest
from processes import make_process  # noqa: F401

ESTATE = """\
[[backend]]
name = "onprem"
url = "file://{lake}"

[[backend]]
name = "second"
url = "file://{second}"

[[mount]]
path = "/"
locations = ["onprem", "second"]
freshness = "exclusive"

[[mount]]
path = "/fast"
locations = [{{ backend = "second", prefix = "fast/" }}]
max_staleness = "5s"

[[alias]]
name = "sales-prod"
target = "/sales/"

[[principal]]
name = "etl"
groups = ["pipelines"]

[[grant]]
name = "etl-sales"
principals = ["group:pipelines"]
prefix = "/sales/"
role = "writer"

[[policy]]
name = "old"
when = 'path.startsWith("/sales/") && size > 10'
place = [{{ backend = "second" }}]
bandwidth = "400MiB/s"
"""


@pytest.fixture
def estate(make_process):
    process = make_process()
    for name in ("lake", "second"):
        (process.directory / name).mkdir()
    process.file = process.directory / "lake.toml"
    process.file.write_text(ESTATE.format(lake=process.directory / "lake", second=process.directory / "second"))
    process.start("--mount", f"/=file://{process.directory / 'lake'}")
    return process


def change(process, old, new):
    text = process.file.read_text()
    assert old in text
    process.file.write_text(text.replace(old, new))


def test_plan_shows_and_changes_nothing_apply_does_exactly_that(estate):
    before = estate.run("estate", "show").stdout
    planned = estate.json("plan", str(estate.file))
    assert {(c["change"], c["section"]) for c in planned["changes"]} >= {
        ("add", "mount"), ("change", "mount"), ("add", "alias"), ("add", "policy"), ("add", "grant")}  # fmt: skip
    assert "+ policy \"old\"" in estate.run("plan", str(estate.file)).stdout
    assert estate.run("estate", "show").stdout == before
    applied = estate.json("apply", str(estate.file))
    assert applied["changes"] == planned["changes"]
    assert estate.json("plan", str(estate.file))["changes"] == []
    assert "no changes" in estate.run("plan", str(estate.file)).stdout


def test_what_is_read_back_is_the_file(estate):
    estate.run("apply", str(estate.file))
    shown = estate.run("estate", "show").stdout
    declared, back = tomllib.loads(estate.file.read_text()), tomllib.loads(shown)
    assert set(declared) == set(back)
    assert back["policy"] == declared["policy"] and back["principal"] == declared["principal"]
    copy = estate.directory / "copy.toml"
    copy.write_text(shown)
    assert estate.json("plan", str(copy))["changes"] == []
    assert estate.json("estate", "show")["alias"] == [{"name": "sales-prod", "target": "/sales/"}]


def test_it_holds_at_once_and_after_a_restart_with_the_same_flags(estate):
    s3 = estate.s3()
    s3.create_bucket(Bucket="sales")
    s3.put_object(Bucket="sales", Key="a", Body=b"before")
    etl = estate.json("keys", "create", "--principal", "etl")
    mine = estate.s3(etl["access_key"], etl["secret_key"])
    with pytest.raises(mine.exceptions.ClientError):
        mine.get_object(Bucket="sales", Key="a")
    estate.run("apply", str(estate.file))
    # The backend was renamed; its copies are known all the same, and the alias and grant hold.
    assert mine.get_object(Bucket="sales-prod", Key="a")["Body"].read() == b"before"
    s3.put_object(Bucket="fast", Key="b", Body=b"in the second")
    assert (estate.directory / "second" / "fast" / "b").read_bytes() == b"in the second"
    assert estate.terminate() == 0
    estate.start("--mount", f"/=file://{estate.directory / 'lake'}")
    assert "mount_flags_unused" in estate.text()
    assert estate.s3().get_object(Bucket="fast", Key="b")["Body"].read() == b"in the second"
    mounts = estate.json("mount", "ls")
    assert mounts["applied"] and [m["path"] for m in mounts["mounts"]] == ["/", "/fast/"]
    assert mounts["mounts"][1]["max_staleness"] == "5s" and "5s" in mounts["mounts"][1]["contract"]


def test_destructive_changes_are_marked(estate):
    estate.run("apply", str(estate.file))
    change(estate, '[[alias]]\nname = "sales-prod"\ntarget = "/sales/"\n', "")
    estate.file.write_text("alias = []\n" + estate.file.read_text())
    shown = estate.run("plan", str(estate.file)).stdout
    assert '- alias "sales-prod"   DESTRUCTIVE' in shown
    planned = estate.json("plan", str(estate.file))
    assert planned["destructive"] and len(planned["changes"]) == 1
    estate.run("apply", str(estate.file), "--yes")
    assert estate.json("estate", "show")["alias"] == []


def test_a_section_that_is_not_mentioned_stays(estate):
    estate.run("apply", str(estate.file))
    before = estate.json("estate", "show")
    estate.file.write_text('[[policy]]\nname = "other"\nwhen = "size > 1"\nplace = [{ backend = "second" }]\n')
    estate.run("apply", str(estate.file))
    after = estate.json("estate", "show")
    assert [p["name"] for p in after["policy"]] == ["other"]
    assert after["mount"] == before["mount"] and after["principal"] == before["principal"]


@pytest.mark.parametrize(
    ("old", "new", "needles"),
    [
        ("bandwidth", "bandwith", ['unknown key "bandwith"', "line", 'did you mean "bandwidth"?']),
        ("[[alias]]", "[[aliass]]", ["aliass", "did you mean"]),
        ('role = "writer"', 'role = "king"', ["role", "line 31", "reader"]),
        ('backend = "second" }}]\nbandwidth', 'backend = "third" }}]\nbandwidth', ["third"]),
        ("size > 10", "size >> 10", ['"old"']),
        ("size > 10", "siez > 10", ['"old"', "siez"]),
        ('url = "file://', 'url = "ftp://', ["scheme"]),
        ('path = "/fast"', "path = /fast", ["line"]),
    ],
)
def test_faults_of_the_file_are_found_by_plan_and_nothing_changes(estate, old, new, needles):
    before = estate.run("estate", "show").stdout
    change(estate, old.replace("}}", "}"), new.replace("}}", "}"))
    for verb in ("plan", "apply"):
        done = estate.run(verb, str(estate.file), check=False)
        assert done.returncode == 1
        for needle in needles:
            assert needle in done.stderr, done.stderr
    assert estate.run("estate", "show").stdout == before


def test_a_plan_for_another_estate_is_refused(estate):
    # What the second of two operators sees who both looked at the same estate.
    token = estate.json("plan", str(estate.file))["token"]
    estate.run("apply", str(estate.file))
    assert estate.json("plan", str(estate.file))["token"] != token


def test_who_may_not_administer_may_not_plan_or_apply(estate):
    key = estate.json("keys", "create", "--principal", "visitor")
    for verb in (["plan", str(estate.file)], ["apply", str(estate.file)], ["keys", "ls"], ["estate", "show"]):
        done = estate.run(*verb, check=False, BERINGIA_ACCESS_KEY=key["access_key"],
                          BERINGIA_SECRET_KEY=key["secret_key"])  # fmt: skip
        assert done.returncode == 1 and "visitor may not administer" in done.stderr, done.stderr


def test_a_lost_key_file_takes_only_its_backend_away(estate):
    s3 = estate.s3()
    s3.create_bucket(Bucket="sales")
    s3.put_object(Bucket="sales", Key="a", Body=b"near")
    made = estate.run("keys", "create", "--principal", "etl", "--kind", "service-account").stdout
    key_file = estate.directory / "key.json"
    key_file.write_text(made)
    text = estate.file.read_text().replace(f'url = "file://{estate.directory}/second"',
                                           f'url = "gs://away"\ncredentials = "{key_file}"')  # fmt: skip
    estate.file.write_text(text.replace('locations = [{ backend = "second", prefix = "fast/" }]',
                                        'locations = ["second"]'))  # fmt: skip
    estate.run("apply", str(estate.file))
    assert estate.terminate(timeout=40) == 0
    key_file.unlink()
    estate.start()
    assert "backend_unusable" in estate.text()
    assert estate.s3().get_object(Bucket="sales", Key="a")["Body"].read() == b"near"
    estate.s3().put_object(Bucket="sales", Key="b", Body=b"new")
    done = estate.run("backend", "check", "second", check=False)
    assert done.returncode == 1 and str(key_file) in done.stderr
    assert estate.run("apply", str(estate.file), check=False).returncode == 1
