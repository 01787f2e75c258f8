export { type EpochFile, epochFile } from './epoch-file.js'
export { keysFile } from './keys-file.js'
