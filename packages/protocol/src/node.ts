export { type EpochFile, epochFile } from './internal/epoch-file.js'
export { type KeysFileOptions, keysFile } from './key/keys-file.js'
