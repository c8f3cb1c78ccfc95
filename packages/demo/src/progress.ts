/** How a long job tells what it is doing; whoever runs it decides how that looks. */

/** Takes what a job reports while it works. */
export interface ProgressReporter {
  /** A new stage begins; the one before it is over. @param label - a few words, such as `run the test lines` */
  stage(label: string): void;
  /** How far the current stage is. @param done - from 0 to `total`; @param total - at least 1 */
  progress(done: number, total: number): void;
  /** Something worth a line of its own, whatever the stage. */
  note(line: string): void;
}
