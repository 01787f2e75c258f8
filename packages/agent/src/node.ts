export { type LoopbackOptions, loopback } from './interact/loopback.js'
export { openBrowser, printUrl } from './interact/open-browser.js'
export { fileState } from './state/file-state.js'
