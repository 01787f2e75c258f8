// For the other packages of this project, not for users: these names may change in any release (no semver).

export { type AgentSettings, agentOf, requireUrl, stepLine } from './agent.js'
export { isBrowserThere } from './browser-there.js'
export { asksByCode, type InteractFlags, showCode, type Terminal, visitBy } from './interact.js'
