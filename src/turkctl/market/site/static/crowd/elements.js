// Which element is which.

import { CrowdButton, CrowdForm, CrowdIcon, CrowdIconButton } from "./form.js";
import {
  CrowdCheckbox, CrowdInput, CrowdRadioButton, CrowdRadioGroup, CrowdSlider, CrowdSliderLabel, CrowdTextArea,
  CrowdToggleButton,
} from "./fields.js";
import {
  CrowdAlert, CrowdBadge, CrowdCard, CrowdInstructions, CrowdModal, CrowdTab, CrowdTabs, CrowdToast, CrowdTooltip,
  FullInstructions, ShortInstructions,
} from "./panels.js";
import {
  CrowdClassifier, CrowdClassifierMultiSelect, CrowdImageClassifier, CrowdImageClassifierMultiSelect,
  CrowdModerationLabels,
} from "./classifiers.js";
import { CrowdBoundingBox, CrowdKeypoint, CrowdLine, CrowdPolygon, CrowdPolyline } from "./drawing.js";
import { CrowdTextractAnalyzeDocument } from "./documents.js";
import { CrowdEntityAnnotation } from "./entities.js";
import { missing } from "./missing.js";

// The form is first: it moves its children. Widgets come before the instructions in them, which look where they are.
const ELEMENTS = {
  "crowd-form": CrowdForm,
  "crowd-entity-annotation": CrowdEntityAnnotation,
  "crowd-classifier": CrowdClassifier,
  "crowd-classifier-multi-select": CrowdClassifierMultiSelect,
  "crowd-image-classifier": CrowdImageClassifier,
  "crowd-image-classifier-multi-select": CrowdImageClassifierMultiSelect,
  "crowd-rekognition-detect-moderation-labels": CrowdModerationLabels,
  "crowd-textract-analyze-document": CrowdTextractAnalyzeDocument,
  "crowd-bounding-box": CrowdBoundingBox,
  "crowd-keypoint": CrowdKeypoint,
  "crowd-polygon": CrowdPolygon,
  "crowd-polyline": CrowdPolyline,
  "crowd-line": CrowdLine,
  "crowd-instructions": CrowdInstructions,
  "short-instructions": ShortInstructions,
  "full-instructions": FullInstructions,
  "crowd-radio-group": CrowdRadioGroup,
  "crowd-radio-button": CrowdRadioButton,
  "crowd-checkbox": CrowdCheckbox,
  "crowd-toggle-button": CrowdToggleButton,
  "crowd-input": CrowdInput,
  "crowd-text-area": CrowdTextArea,
  "crowd-slider": CrowdSlider,
  "crowd-slider-label": CrowdSliderLabel,
  "crowd-button": CrowdButton,
  "crowd-icon": CrowdIcon,
  "crowd-icon-button": CrowdIconButton,
  "crowd-fab": class CrowdFab extends CrowdIconButton {},
  "crowd-card": CrowdCard,
  "crowd-alert": CrowdAlert,
  "crowd-badge": CrowdBadge,
  "crowd-modal": CrowdModal,
  "crowd-tabs": CrowdTabs,
  "crowd-tab": CrowdTab,
  "crowd-toast": CrowdToast,
  "crowd-tooltip": CrowdTooltip,
};

/** Define all elements; those of the page that are not among them say so. */
export function define() {
  for (const [name, type] of Object.entries(ELEMENTS)) {
    if (!customElements.get(name)) customElements.define(name, type);
  }
  const unknown = [...document.querySelectorAll(":not(:defined)")].map((each) => each.localName);
  for (const name of new Set(unknown.filter((each) => each.startsWith("crowd-")))) customElements.define(name, missing(name));
}
