// The list of pages. Each asks the server, and gives a title and elements.
import { admins } from './admins.js'
import { agent, agents, blocks } from './agents.js'
import { audit, event } from './audit.js'
import { grant, grants } from './grants.js'
import { keys } from './keys.js'
import { overview } from './overview.js'
import { policy } from './policy.js'
import { user, users } from './users.js'

/** All pages, by their path. Those with a label stand in the navigation. */
export const pages = {
  overview: { label: 'Overview', show: overview },
  users: { label: 'Users', show: users },
  user: { below: 'users', show: user },
  grants: { label: 'Grants', show: grants },
  grant: { below: 'grants', show: grant },
  agents: { label: 'Agents', show: agents },
  agent: { below: 'agents', show: agent },
  blocks: { label: 'Blocked', show: blocks },
  keys: { label: 'Keys', show: keys },
  audit: { label: 'Audit', show: audit },
  event: { below: 'audit', show: event },
  policy: { label: 'Policy', show: policy },
  admins: { label: 'Admins', show: admins },
}
