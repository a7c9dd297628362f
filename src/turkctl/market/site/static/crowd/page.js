// Where this page's answers go: read from its address, as tasks of Mechanical Turk do.

const PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE";
const parameters = new URLSearchParams(window.location.search);

export const assignmentId = parameters.get("assignmentId") ?? PREVIEW;
export const isPreview = assignmentId === "" || assignmentId === PREVIEW;

/** The address to post to; this page's own host if the address names none that is http or https. */
export function submitAddress() {
  const origin = (parameters.get("turkSubmitTo") ?? "").replace(/\/+$/, "");
  return `${/^https?:\/\//i.test(origin) ? origin : window.location.origin}/mturk/externalSubmit`;
}
