export { type ExitCode, exitCode } from './exit-code.js'
export { main } from './main.js'
