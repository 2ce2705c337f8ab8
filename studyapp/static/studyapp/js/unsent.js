/** The last resort when no connection comes back: unsent answers as a file that the study's people can import. */

/** @param {Pick<Config, "study" | "sitting">} config @param {TrialResponse[]} responses */
export const unsentText = ({ study, sitting }, responses) =>
  JSON.stringify({ format: "tachisto-unsent-answers/1", study, sitting, responses });

/** @param {string} name @param {string} text */
export function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text]));
  link.download = name;
  link.click();
}
