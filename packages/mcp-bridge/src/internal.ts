// For the other packages of this project, not for users: these names may change in any release (no semver).

export { addMcpBridge } from './command.js'
