// For the other packages of this project, not for users: these names may change in any release (no semver).
// The sessions of a server, without the MCP SDK: for proxies.

export {
  createSessions,
  defaultSessionLimits,
  type Session,
  type Sessions,
  sessionNotFound,
} from './session/sessions.js'
