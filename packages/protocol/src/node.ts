export { type EpochFile, type EpochMark, epochFile } from './epoch-file.js'
export { type KeysFileOptions, keysFile } from './key/keys-file.js'
