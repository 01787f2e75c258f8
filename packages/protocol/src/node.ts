export { type EpochFile, epochFile } from './epoch-file.js'
export { type KeysFileOptions, keysFile } from './keys-file.js'
