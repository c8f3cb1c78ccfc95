/** What training needs of Node: files, and the engine in threads. */

export { type PreparedModel, prepareModel } from './prepare-model.js';
