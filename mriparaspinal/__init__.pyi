from mriparaspinal.api.agreement import reliability as reliability
from mriparaspinal.api.brain import make_maps as make_maps
from mriparaspinal.api.brain import measure_regions as measure_regions
from mriparaspinal.api.change import change as change
from mriparaspinal.api.clinical import instruments as instruments
from mriparaspinal.api.clinical import score as score
from mriparaspinal.api.clinical import score_template as score_template
from mriparaspinal.api.drafting import draft as draft
from mriparaspinal.api.drafting import interpolate as interpolate
from mriparaspinal.api.drafting import refine as refine
from mriparaspinal.api.making import contours as contours
from mriparaspinal.api.making import make_phantom as make_phantom
from mriparaspinal.api.making import make_report as make_report
from mriparaspinal.api.making import masks as masks
from mriparaspinal.api.measuring import check as check
from mriparaspinal.api.measuring import merge as merge
from mriparaspinal.api.measuring import quantify as quantify
from mriparaspinal.api.measuring import read_settings as read_settings
from mriparaspinal.api.reading import rasterise as rasterise
from mriparaspinal.api.reading import read_labelme as read_labelme
from mriparaspinal.api.results import StudyResults as StudyResults
from mriparaspinal.api.results import read_results as read_results
from mriparaspinal.api.reviewing import read_review as read_review
from mriparaspinal.api.reviewing import unblind as unblind
from mriparaspinal.api.running import run as run
from mriparaspinal.api.scans import list_series as list_series
from mriparaspinal.api.scans import prepare as prepare
from mriparaspinal.api.statistics import compare as compare
from mriparaspinal.api.statistics import correlate as correlate
from mriparaspinal.api.statistics import regress as regress
from mriparaspinal.api.statistics import roc as roc
from mriparaspinal.api.statistics import sweep_thresholds as sweep_thresholds
from mriparaspinal.core import errors as errors
from mriparaspinal.core.model import Settings as Settings
from mriparaspinal.parallel.map import Execution as Execution

__version__: str
__all__: list[str]
