"""Small files laid out as facilities and their software lay out theirs, whatever the numbers in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

__all__ = ["LAYOUTS", "ODD"]

FRAMES = np.random.default_rng(1).poisson(5, (6, 80, 100)).astype("u4")
POINTS = 40
MOVED = np.linspace(0, 1, POINTS)
COUNTED = np.random.default_rng(2).poisson(100, POINTS).astype("f8")
SPECTRA = np.random.default_rng(3).poisson(3, (POINTS, 512)).astype("u4")

LAYOUTS: dict[str, tuple[Callable[[Path], Path], tuple[str, str, str, list[str | None]]]] = {}
"""A function that writes the file, and what is expected of it: rule, kind, path of the signal, names of the axes."""


def group(parent: h5py.Group, name: str, nx_class: str | None = None, **attrs: object) -> h5py.Group:
    made = parent.create_group(name, track_order=True)
    if nx_class:
        made.attrs["NX_class"] = nx_class
    made.attrs.update(attrs)
    return made


def fill(parent: h5py.Group, **values: object) -> None:
    for name, value in values.items():
        parent[name] = value


def layout(rule: str, kind: str, signal: str, *axes: str | None):
    def register(write: Callable[[h5py.File, Path], None]) -> Callable[[h5py.File, Path], None]:
        def make(folder: Path) -> Path:
            path = folder / f"{write.__name__}.h5"
            with h5py.File(path, "w", track_order=True) as file:
                write(file, folder)
            return path

        LAYOUTS[write.__name__] = (make, (rule, kind, signal, list(axes)))
        return write

    return register


def beside(folder: Path, name: str, path: str, values: np.ndarray) -> str:
    with h5py.File(folder / name, "w") as file:
        file[path] = values
    return name


def bliss(file: h5py.File, name: str = "1.1") -> h5py.Group:
    """An entry of BLISS: positioners and counters in the instrument, soft links to them in the measurement."""
    file.attrs.update(NX_class="NXroot", creator="Bliss")
    entry = group(file, name, "NXentry")
    entry["title"] = "ascan th 0 1 39 0.1"
    instrument = group(entry, "instrument", "NXinstrument")
    for motor, values in (("epoch", MOVED + 1.7e9), ("elapsed_time", MOVED * 9), ("th", MOVED)):
        group(instrument, motor, "NXpositioner")["value"] = values
    group(instrument, "ct24", "NXdetector")["data"] = COUNTED
    measurement = group(entry, "measurement", "NXcollection")
    for motor in ("elapsed_time", "epoch", "th"):
        measurement[motor] = h5py.SoftLink(f"/{name}/instrument/{motor}/value")
    measurement["ct24"] = h5py.SoftLink(f"/{name}/instrument/ct24/data")
    return entry


# ESRF


@layout("scan", "curve", "/1.1/measurement/ct24", "th")
def bliss_counters(file, folder):
    bliss(file)
    bliss(file, "2.1")


@layout("NXdetector", "stack", "/1.1/instrument/eiger/data", "th", None, None)
def bliss_images(file, folder):
    entry = bliss(file)
    name = beside(folder, "eiger_0000.h5", "/entry_0000/measurement/data", FRAMES.repeat(7, axis=0)[:POINTS])
    detector = group(entry["instrument"], "eiger", "NXdetector")
    detector["type"] = "lima"
    detector["data"] = h5py.ExternalLink(name, "/entry_0000/measurement/data")
    entry["measurement/eiger"] = h5py.SoftLink("/1.1/instrument/eiger/data")


@layout("NXdetector", "image", "/1.1/instrument/fx_det0/data", "th", None)
def bliss_spectra(file, folder):
    entry = bliss(file)
    fill(group(entry["instrument"], "fx_det0", "NXdetector"), data=SPECTRA, elapsed_time=COUNTED, dead_time=COUNTED)
    entry["measurement/fx_det0"] = h5py.SoftLink("/1.1/instrument/fx_det0/data")


@layout("scan", "curve", "/sample_0001_1.1/measurement/ct24", "th")
def bliss_proposal(file, folder):
    with h5py.File(folder / "sample_0001.h5", "w", track_order=True) as other:
        bliss(other)
    file["sample_0001_1.1"] = h5py.ExternalLink("sample_0001.h5", "/1.1")
    file["sample_0002_1.1"] = h5py.ExternalLink("gone.h5", "/1.1")


@layout("@default", "image", "/fit/xrf/results/parameters/Fe_K", None, None)
def pymca_map(file, folder):
    file.attrs["default"] = "fit/xrf/results/parameters"
    results = group(group(group(file, "fit", "NXentry"), "xrf", "NXprocess"), "results", "NXcollection")
    maps = group(results, "parameters", "NXdata", signal="Fe_K", auxiliary_signals=["Ca_K"], interpretation="image")
    fill(maps, Fe_K=np.ones((20, 30)), Ca_K=np.ones((20, 30)))
    group(results, "uncertainties", "NXdata", signal="Fe_K")["Fe_K"] = np.ones((20, 30))


# Diamond


@layout("first NXdata", "stack", "/entry1/xmapMca/fullSpectrum", "y", "x", None)
def gda_fluorescence(file, folder):
    data = group(group(file, "entry1", "NXentry"), "xmapMca", "NXdata")
    fill(data, AllElementSum=np.ones((8, 9)), fullSpectrum=np.ones((8, 9, 1, 512)), x=np.arange(9.0), y=np.arange(8.0))
    data["fullSpectrum"].attrs.update(signal=1, axes="y:x")
    data["x"].attrs.update(axis="2", label="2", primary="1")
    data["y"].attrs.update(axis="1", label="1", primary="1")


@layout("first NXdata", "stack", "/entry/pe2AD/data", "stage_y_set", "stage_x_set", None, None)
def gda_grid(file, folder):
    data = group(
        group(file, "entry", "NXentry", default="gone"),
        "pe2AD",
        "NXdata",
        signal="data",
        axes=["stage_y_set", "stage_x_set", ".", "."],
        stage_x_value_indices=[0, 1],
        stage_x_set_indices=1,
        stage_y_set_indices=0,
    )
    fill(data, data=np.ones((3, 4, 80, 90), "i4"), stage_x_set=np.arange(4.0), stage_y_set=np.arange(3.0))
    data["stage_x_value"] = np.tile(np.arange(4.0), (3, 1))
    group(file["entry"], "pe2AD_sum", "NXdata", signal="sum")["sum"] = np.ones((3, 4))


# Dectris


@layout("first NXdata", "stack", "/entry/data/data", "omega", None, None)
def nxmx_virtual(file, folder):
    entry = group(file, "entry", "NXentry")
    data = group(entry, "data", "NXdata", signal="data", axes="omega", omega_indices=0)
    made = h5py.VirtualLayout(FRAMES.shape, "u4")
    made[:] = h5py.VirtualSource(beside(folder, "series_000001.h5", "data", FRAMES), "data", FRAMES.shape)
    data.create_virtual_dataset("data", made)
    data["data_000001"] = h5py.ExternalLink("series_000001.h5", "/data")
    fill(data, omega=np.arange(6.0), omega_end=np.arange(1, 7.0), omega_increment_set=np.ones(6))
    detector = group(group(entry, "instrument", "NXinstrument"), "detector", "NXdetector")
    fill(detector, pixel_mask=np.zeros((80, 100), "i4"), saturation_value=20, underload_value=0)


@layout("first NXdata", "stack", "/entry/data/data_000002", None, None, None)
def dectris_series(file, folder):
    entry = group(file, "entry", "NXentry")
    data = group(entry, "data", "NXdata")
    for number in (1, 2, 3):
        data[f"data_00000{number}"] = h5py.ExternalLink(f"data_00000{number}.h5", "/entry/data/data")
        if number > 1:
            beside(folder, f"data_00000{number}.h5", "/entry/data/data", FRAMES)
    detector = group(group(entry, "instrument", "NXinstrument"), "detector", "NXdetector")
    own = group(detector, "detectorSpecific", "NXcollection")
    fill(own, pixel_mask=np.zeros((80, 100), "u4"), flatfield=np.ones((80, 100), "f4"))


# DESY


@layout("first NXdata", "curve", "/scan/data/counter01", "posx")
def tango_without_signal(file, folder):
    entry = group(file, "scan", "NXentry")
    fill(group(entry, "data", "NXdata"), posx=MOVED, posy=MOVED, counter01=COUNTED, timestamp=MOVED)
    detector = group(group(entry, "instrument", "NXinstrument"), "xspress3_01", "NXdetector")
    fill(detector, channel00=SPECTRA, channel01=SPECTRA)


@layout("NXdetector", "stack", "/entry/instrument/detector/data", None, None, None)
def lambda_detector(file, folder):
    detector = group(group(group(file, "entry", "NXentry"), "instrument", "NXinstrument"), "detector", "NXdetector")
    fill(detector, data=FRAMES, sequence_number=np.arange(6), pixel_mask=np.zeros((1, 80, 100), "u4"))


@layout("NXdetector", "stack", "/entry/instrument/panel/data", "y_pixel_offset", "x_pixel_offset", "time_of_flight")
def detector_of_the_definition(file, folder):
    detector = group(group(group(file, "entry", "NXentry"), "instrument", "NXinstrument"), "panel", "NXdetector")
    fill(detector, data=np.ones((20, 20, 50), "i4"), time_of_flight=np.arange(51.0), distance=np.ones(3))
    fill(detector, x_pixel_offset=np.arange(20.0), y_pixel_offset=np.arange(20.0))


# PSI, MAX IV


@layout("first NXdata", "image", "/entry1/data1/counts", "x", None)
def sinq_area(file, folder):
    entry = group(file, "entry1", "NXentry")
    detector = group(group(entry, "SANS", "NXinstrument"), "detector", "NXdetector")
    detector["counts"] = np.ones((128, 128), "i4")
    detector["counts"].attrs["signal"] = 1
    data = group(entry, "data1", "NXdata")
    fill(data, counts=detector["counts"], x=np.arange(128.0))
    data["x"].attrs["axis"] = 1
    data["lambda"] = 5.0


@layout("largest image", "stack", "/SAROP-CAM:FPICTURE/data", None, None, None)
def swissfel_channels(file, folder):
    for channel, values in (("SARFE10-PBIG050:FAST", COUNTED), ("SAROP-CAM:FPICTURE", FRAMES)):
        present = np.ones(len(values), bool)
        fill(group(file, channel), data=values, pulse_id=np.arange(len(values)), is_data_present=present)


@layout("largest image", "stack", "/entry/measurement/eiger/frames", None, None, None)
def nanomax_links(file, folder):
    name = beside(folder, "scan_000001_eiger.hdf5", "entry/measurement/Eiger/data", FRAMES)
    file["entry/measurement/eiger/frames"] = h5py.ExternalLink(name, "/entry/measurement/Eiger/data")
    fill(file["entry/measurement"], sx=MOVED)
    fill(file["entry"], description=b"dmesh sx 0 1 10")


@layout("first NXdata", "curve", "/entry14/ct1/ct1", "mot1")
def sardana(file, folder):
    entry = group(file, "entry14", "NXentry")
    fill(group(entry, "measurement", "NXcollection"), Pt_No=np.arange(POINTS), mot1=MOVED, ct1=COUNTED)
    data = group(entry, "ct1", "NXdata")
    fill(data, ct1=h5py.SoftLink("/entry14/measurement/ct1"), mot1=h5py.SoftLink("/entry14/measurement/mot1"))
    data["ct1"].attrs.update(signal=1, axes="mot1")


# ILL, ISIS, SNS, ESS


@layout("first NXdata", "image", "/entry0/data/data", None, None)
def ill_small_angle(file, folder):
    entry = group(file, "entry0", "NXentry")
    data = group(entry, "data", "NXdata")
    data["data"] = np.ones((80, 100, 1), "i4")
    data["data"].attrs["signal"] = 1
    group(entry, "monitor", "NXmonitor")["data"] = np.ones((1, 1, 1))


@layout("largest image", "image", "/entry0/data_scan/detector_data/data", None, None)
def ill_scan(file, folder):
    entry = group(file, "entry0", "NXentry")
    data = group(entry, "data_scan", "NXdata")
    group(data, "detector_data", "ILL_data_scan_data")["data"] = np.ones((25, 1, 128), "i4")
    variables = group(data, "scanned_variables", "ILL_data_scan_vars")
    fill(variables, data=np.ones((6, 25)))
    fill(data, actual_step=25, total_steps=25)
    group(entry, "monitor", "NXmonitor")["data"] = np.ones((1, 1, 25))


@layout("first NXdata", "image", "/run/histogram_data_1/counts", None, "corrected_time")
def muons_version_1(file, folder):
    data = group(group(file, "run", "NXentry"), "histogram_data_1", "NXdata")
    fill(data, counts=np.ones((8, 300), "i4"), corrected_time=np.arange(300.0), time_zero=0.2, alpha=np.ones((1, 3)))
    data["counts"].attrs.update(signal=1, axes="[group index, time bin]", first_good_bin=20)
    data["corrected_time"].attrs.update(axis=1, units="microsecond", first_good=20, last_good=280)


@layout("first NXdata", "stack", "/raw_data_1/detector_1/counts", "period_index", "spectrum_index", "time_of_flight")
def isis_histograms(file, folder):
    data = group(group(file, "raw_data_1", "NXentry"), "detector_1", "NXdata")
    fill(data, counts=np.ones((1, 200, 100), "i4"), time_of_flight=np.arange(101.0), spectrum_index=np.arange(200))
    data["period_index"] = [1]
    data["counts"].attrs.update(signal=1, axes="period_index,spectrum_index,time_of_flight")


@layout("NXmonitor", "curve", "/entry/monitor1/data", "time_of_flight")
def sns_events(file, folder):
    entry = group(file, "entry", "NXentry")
    events = group(entry, "bank1_events", "NXevent_data")
    fill(events, event_id=np.arange(1000), event_time_offset=np.ones(1000), event_index=np.arange(0, 1000, 10))
    fill(group(group(entry, "DASlogs", "NXcollection"), "charge", "NXlog"), value=COUNTED, time=MOVED)
    fill(group(entry, "monitor1", "NXmonitor"), data=COUNTED, time_of_flight=np.append(MOVED, 2))


@layout("NXlog", "curve", "/entry/instrument/chopper/rotation_speed/value", "time")
def ess_events(file, folder):
    instrument = group(group(file, "entry", "NXentry"), "instrument", "NXinstrument")
    detector = group(instrument, "detector", "NXdetector")
    offsets = np.random.default_rng(0).random((64, 64))
    fill(detector, detector_number=np.arange(4096).reshape(64, 64), x_pixel_offset=offsets, y_pixel_offset=offsets)
    fill(group(detector, "events", "NXevent_data"), event_id=np.arange(1000), event_time_offset=np.arange(1000))
    chopper = group(instrument, "chopper", "NXdisk_chopper")
    fill(group(chopper, "rotation_speed", "NXlog"), value=COUNTED, time=MOVED)


# European XFEL


@layout("largest image", "stack", "/INSTRUMENT/DET/0CH0:xtdf/image/data", None, None, None, None)
def xfel_raw(file, folder):
    file["INDEX/trainId"] = np.arange(6, dtype="u8")
    file["INSTRUMENT/DET/0CH0:xtdf/image/data"] = np.ones((12, 2, 128, 64), "u2")
    file["INSTRUMENT/DET/0CH0:xtdf/image/trainId"] = np.arange(12)[:, None]
    file["INSTRUMENT/DET/0CH0:xtdf/detector/data"] = np.zeros((6, 416), "u1")


@layout("largest image", "stack", "/INSTRUMENT/DET/0CH0:xtdf/image/data", None, None, None)
def xfel_corrected(file, folder):
    values = {"gain": "u1", "mask": "u4", "data": "f4"}
    fill(group(file, "INSTRUMENT/DET/0CH0:xtdf/image"), **{n: np.zeros((12, 128, 64), t) for n, t in values.items()})


# ALS, APS


@layout("largest image", "stack", "/exchange/data", "theta", None, None)
def tomography_exchange(file, folder):
    fill(group(file, "exchange"), data=FRAMES, data_white=np.tile(FRAMES, (3, 1, 1)), data_dark=FRAMES[:2])
    file["exchange/theta"] = np.linspace(0, 180, 6)
    file["exchange/data"].attrs["axes"] = "theta:y:x"


@layout("@default", "stack", "/entry/data/data", None, None, None)
def area_detector(file, folder):
    file.attrs["default"] = "entry"
    entry = group(file, "entry", "NXentry", default="data")
    detector = group(group(entry, "instrument", "NXinstrument"), "detector", "NXdetector")
    detector["data"] = FRAMES
    group(detector, "NDAttributes", "NXcollection")["NDArrayUniqueId"] = np.arange(6)
    group(entry, "data", "NXdata", signal="data")["data"] = detector["data"]


# No NeXus at all


@layout("largest dataset", "curve", "/y", "x")
def flat_columns(file, folder):
    fill(file, x=MOVED, y=COUNTED, mask=np.ones(POINTS, bool))


@layout("largest dataset", "image", "/A", None, None)
def matlab(file, folder):
    file["#refs#/a"] = np.arange(5.0)
    cells = file.create_dataset("c", (2, 1), h5py.ref_dtype)
    cells[0, 0] = file["#refs#/a"].ref
    fill(file, A=np.ones((30, 20)), text=np.full((900, 1), 72, "u2"), empty=np.zeros(900, "u8"))
    file["text"].attrs["MATLAB_class"] = np.bytes_(b"char")
    file["empty"].attrs["MATLAB_empty"] = 1


@layout("largest image", "stack", "/t", "time", "lat", "lon")
def netcdf(file, folder):
    fill(file, t=FRAMES.astype("i2"), time=np.arange(6.0), lat=np.arange(80.0), lon=np.arange(100.0))
    for dimension, name in enumerate(("time", "lat", "lon")):
        file[name].make_scale(name)
        file["t"].dims[dimension].attach_scale(file[name])


# Elements and shapes that a file may hold and NumPy hardly knows. Each is the only dataset ``x`` of its file.


def _raw(file: h5py.File, type_id: h5py.h5t.TypeID) -> None:
    h5py.h5d.create(file.id, b"x", type_id, h5py.h5s.create_simple((4,)))


def _axis(values: object) -> Callable[[h5py.File], None]:
    return lambda file: fill(group(file, "d", "NXdata", signal="s", axes=["x"]), s=COUNTED, x=values)


def _whole(values: object, **options: object) -> Callable[[h5py.File], None]:
    return lambda file: file.create_dataset("x", data=values, **options)


def _empty(*shape: object, **options: object) -> Callable[[h5py.File], None]:
    return lambda file: file.create_dataset("x", *shape, **options)


_ARRAYS = h5py.h5t.array_create(h5py.h5t.NATIVE_DOUBLE, (3,))
_RECORD = [("a", "f8"), ("b", [("c", "i4"), ("d", "S3")])]
_BIG = np.full((70, 80), 2**64 - 1, "u8")

ODD: dict[str, Callable[[h5py.File], object]] = {
    "booleans": _whole(np.ones(5, bool)),
    "enumeration": _whole(np.zeros(5, "u1"), dtype=h5py.enum_dtype({"a": 0, "b": 1}, "u1")),
    "complex": _whole(np.exp(1j * MOVED)),
    "complex image": _whole(np.full((70, 80), 1 + 2j)),
    "ragged": _empty((5,), h5py.vlen_dtype("f4")),
    "opaque": _whole(np.array([b"abc", b"def"]).astype("V3")),
    "references": _empty((3,), h5py.ref_dtype),
    "region references": _empty((3,), h5py.regionref_dtype),
    "null": _whole(h5py.Empty("f8")),
    "text": _whole("hello"),
    "texts": _whole(["a", "b"]),
    "named type": lambda file: fill(file, x=np.dtype("f8")),
    "bit field": lambda file: _raw(file, h5py.h5t.STD_B8LE),
    "times of HDF5": lambda file: _raw(file, h5py.h5t.UNIX_D32LE),
    "arrays as elements": lambda file: _raw(file, _ARRAYS),
    "times of NumPy": _whole(np.arange(5).astype("M8[s]").astype(h5py.opaque_dtype("M8[s]"))),
    "no finite image": _whole(np.full((70, 80), np.nan)),
    "no finite curve": _whole(np.full(70, np.inf)),
    "no frames yet": _empty((0, 80, 90), "u2", maxshape=(None, 80, 90)),
    "one number": _whole(5.0),
    "half precision": _whole(np.ones((70, 80), "f2")),
    "long double": _whole(np.arange(50, dtype="g")),
    "one record": _whole(np.zeros((), _RECORD)),
    "nested records": _whole(np.zeros(3, _RECORD)),
    "records in two dimensions": _whole(np.zeros((3, 4), _RECORD)),
    "long curve": _empty((50_000_000,), "u2", chunks=(1_000_000,)),
    "large image": _empty((40_000, 40_000), "u2", chunks=(1000, 1000)),
    "32 dimensions": _whole(np.arange(16.0).reshape((1,) * 28 + (2,) * 4)),
    "largest numbers": _whole(_BIG),
    "one value": _whole(np.zeros((70, 80))),
    "nothing": lambda file: None,
    "empty groups": lambda file: group(file, "entry", "NXentry").create_group("x"),
    "axis without numbers": _axis(np.full(POINTS, np.nan)),
    "axis of complex numbers": _axis(MOVED + 1j),
    "axis of text": _axis(["a", "b"]),
    "axis out of order": _axis(COUNTED),
    "signal is a group": lambda file: group(file, "d", "NXdata", signal="s").create_group("s"),
    "empty attributes": lambda file: fill(
        group(file, "d", "NXdata", signal="s", axes=np.array([], "S3"), SILX_style="3"), s=COUNTED
    ),
    "circle of links": lambda file: fill(file, a=h5py.SoftLink("/b"), b=h5py.SoftLink("/a")),
    "names of other alphabets": lambda file: h5py.h5g.create(file.id, b"\xff\xfe"),
}
