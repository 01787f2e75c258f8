import { checkIdentifier, checkIdentifierList, parseScope } from '@countersign/protocol'
import { parseLimits } from '../limit/limits.js'
import type { ResourceOptions } from '../options.js'
import { checkDeny } from './deny.js'
import type { RouteContext } from './requirement.js'
import { checkComponents } from './route.js'

/**
 * What the routes of a resource are checked against, by its options.
 * @throws TypeError for an option that is wrong
 */
export function routeContextOf(options: ResourceOptions<string>): RouteContext {
  const {
    id,
    authServers = [],
    scopes = {},
    agents = 'any',
    components = [],
    limits = {},
    siteOf,
    deny,
    development = false,
  } = options
  checkIdentifier('id', id, { development })
  for (const server of authServers) checkIdentifier('each of authServers', server, { development })
  for (const name of Object.keys(scopes)) checkScopeName(name)
  checkIdentifierList(agents, { development })
  if (deny !== undefined) checkDeny(deny, { development })
  checkComponents(components)
  return {
    scopes: Object.keys(scopes),
    authServers: [...authServers],
    // Unsigned, the code of an interaction could be replaced by another user's.
    components: [...components, ...(options.downstream === undefined ? [] : ['agent-interaction'])],
    limits: parseLimits(limits, '', siteOf),
    ...(siteOf === undefined ? {} : { siteOf }),
    ...(deny === undefined ? {} : { deny }),
    development,
  }
}

function checkScopeName(name: string): void {
  try {
    if (parseScope(name).length === 1) return
  } catch (cause) {
    throw new TypeError('a name in scopes is no scope name', { cause })
  }
  throw new TypeError('a name in scopes is no scope name')
}
