export { keysFile } from './keys-file.js'
