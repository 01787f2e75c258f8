import { isWord, parseScope } from '@countersign/protocol'
import { checkIdentifier, checkIdentifierList } from '@countersign/protocol/internal'
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
    purposes = {},
    operations = {},
    dataViews = {},
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
  for (const [option, words] of Object.entries({ purposes, operations, dataViews })) checkWords(option, words)
  checkIdentifierList(agents, { development })
  if (deny !== undefined) checkDeny(deny, { development })
  checkComponents(components)
  return {
    scopes: Object.keys(scopes),
    purposes: Object.keys(purposes),
    operations: Object.keys(operations),
    authServers: [...authServers],
    // Unsigned, the code of an interaction could be replaced by another user's.
    components: [...components, ...(options.downstream === undefined ? [] : ['agent-interaction'])],
    limits: parseLimits(limits, '', siteOf),
    siteOf,
    deny,
    development,
  }
}

function checkWords(option: string, words: object): void {
  for (const name of Object.keys(words))
    if (!isWord(name)) throw new TypeError(`a name in ${option} is no name: characters of a scope, at most 128`)
}

function checkScopeName(name: string): void {
  try {
    if (parseScope(name).length === 1) return
  } catch (cause) {
    throw new TypeError('a name in scopes is no scope name', { cause })
  }
  throw new TypeError('a name in scopes is no scope name')
}
