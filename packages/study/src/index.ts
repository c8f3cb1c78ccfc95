/** Studies: networks, cuts and data to a measured and drawn report. */

export { runStudy, STUDY_FILES, type StudyOptions, type StudyProgress, writeStudy } from './run-study.js';
export { STUDY_SETTINGS, type StudySettings } from './study-settings.js';
export {
  parseSuite,
  readSuite,
  type Suite,
  type SuiteData,
  SuiteError,
  type SuiteNetwork,
} from './suite.js';
export { type StudyExtent, type SuitePlaces, targetsOfSuite } from './suite-targets.js';
export { type DrawnSamples, drawSamples, nameOfTarget, type StudyTarget, shuffled } from './target.js';
export { PROBE_OUTPUT, type ProbeOptions, type TrainedProbe, trainProbe } from './train-probe.js';
