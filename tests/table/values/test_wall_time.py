"""Wall time: against the clocks of Python's zones."""

import datetime
import zoneinfo

import numpy as np
import pytest

from chainrule.table.values.wall_time import offsets_of, zone_in


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]
)
@pytest.mark.parametrize("per_second", [1, 1000])
def test_wall_times_are_those_of_the_zone(zone, per_second):
    seconds = np.random.default_rng(0).integers(-(10**9), 3 * 10**9, 400)
    changes = offsets_of(zone).ends
    seconds = np.concatenate([seconds, changes, changes - 1])
    clock = zoneinfo.ZoneInfo(zone)
    want = [
        datetime.datetime.fromtimestamp(second, datetime.UTC).astimezone(clock).replace(tzinfo=None)
        for second in seconds.tolist()
    ]
    got = offsets_of(zone).to_wall(seconds * per_second, per_second)
    assert (got // per_second).astype("datetime64[s]").tolist() == want


def test_a_wall_time_has_its_first_instant_and_a_skipped_one_is_moved_on():
    offsets = offsets_of("Europe/Berlin")
    for wall, utc in (
        ("2024-03-31T01:59:59", "2024-03-31T00:59:59"),
        ("2024-03-31T02:30:00", "2024-03-31T01:30:00"),  # shown as 03:30
        ("2024-03-31T03:00:00", "2024-03-31T01:00:00"),
        ("2024-10-27T02:30:00", "2024-10-27T00:30:00"),  # and once more at 01:30
        ("2024-10-27T03:00:00", "2024-10-27T02:00:00"),
    ):
        ticks = np.array([wall], dtype="datetime64[s]").astype(np.int64)
        assert offsets.to_utc(ticks, 1).astype("datetime64[s]")[0] == np.datetime64(utc)


def test_clocks_that_show_utc_and_unknown_ones_have_no_offsets():
    assert offsets_of("UTC") is offsets_of("+00:00") is offsets_of("Nowhere/At_All") is None


@pytest.mark.parametrize("zone", ["-08:00", "UTC-08:00", "Etc/GMT+8"])
def test_clocks_that_never_change_have_one_offset(zone):
    offsets = offsets_of(zone)
    assert offsets.seconds.tolist() == [-8 * 3600]
    ticks = np.array([0, 10**9])
    assert np.array_equal(offsets.to_wall(ticks, 10), ticks - 8 * 36_000)
    assert np.array_equal(offsets.to_utc(offsets.to_wall(ticks, 10), 10), ticks)


def test_zones_are_read_from_the_types_of_every_container():
    for dtype, zone in {
        "datetime64[ns, Europe/Berlin]": "Europe/Berlin",
        "Datetime(time_unit='us', time_zone='Asia/Tokyo')": "Asia/Tokyo",
        "timestamp[us, tz=America/Lima]": "America/Lima",
        "Timestamp[Europe/Berlin]": "Europe/Berlin",
        "datetime64[ns]": "",
        "Datetime(time_unit='us', time_zone=None)": "",
        "Date": "",
    }.items():
        assert zone_in(dtype) == zone
