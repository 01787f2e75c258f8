// For the other packages of this project, not for users: these names may change in any release (no semver).

export type { IdentityFlags } from './agent.js'
export { addEnroll, addFetch, addKeys, exitHelp, identity } from './command.js'
export { type CommandNames, npxNames } from './command-names.js'
export { addCompletion, completionScript } from './completion.js'
export { fileFault } from './exit-of.js'
export { makeFolder } from './folder.js'
export { requireIdentifier } from './identity.js'
export { noteLines, onOneLine, printable, printJson, printLines } from './output.js'
export { displayText, distance, moment, type Report, shown, table } from './report.js'
export { runCommand } from './run-command.js'
export { NoAnswerError, UsageError } from './usage-error.js'
export { versionIn } from './version.js'
