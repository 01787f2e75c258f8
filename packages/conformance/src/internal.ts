// For the other packages of this project, not for users: these names may change in any release (no semver).

export { exitHelp, reportHelp, suiteCommands } from './command/commands.js'
export { exitCodeOf } from './command/exit-code.js'
export type { Flag, FlagValues, SuiteCommand } from './command/flag.js'
