export { fileState } from './file-state.js'
export { type LoopbackOptions, loopback } from './loopback.js'
export { openBrowser, printUrl } from './open-browser.js'
