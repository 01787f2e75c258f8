import type { Directory } from '@countersign/discovery'
import { type IdentifierList, isIdentifier } from '@countersign/protocol'
import { isAmong, onList } from '@countersign/protocol/internal'
import { AgentError } from '../error.js'
import { checkParticipant, type Participant } from '../wire/participant.js'

/** Options of {@link identifyPolicy}. */
export interface IdentifyPolicyOptions {
  /** No default: without this list the agent identifies itself nowhere. */
  readonly identifyTo: IdentifierList | undefined
  readonly acceptAuthServer: IdentifierList | undefined
  readonly agentServer: string | undefined
  readonly discovery: Directory
  readonly development: boolean
}

/** Returns why the agent does not identify itself to a URL; undefined when it may, without a promise where nothing is to be asked. */
export type WhyNotIdentify = (url: URL) => string | undefined | Promise<string | undefined>

/**
 * Decides where the agent signs in its own name. A caller who chooses URLs must not get a signature in that name for
 * hosts that are not listed, nor for the token endpoints that act on such a signature (signing oracle).
 * @see protocol §4 (4)
 */
export function identifyPolicy(options: IdentifyPolicyOptions): WhyNotIdentify {
  const { identifyTo } = options
  /** The last origin that is an identifier: most calls go to the same one. */
  let last: string | undefined
  return url => {
    const { origin } = url
    // agent.identify-to
    if (origin !== last && !isIdentifier(origin, options))
      return `${url.host} is no https origin, so nothing was signed for it`
    last = origin
    const listed = identifyTo !== undefined && isListed(identifyTo, origin)
    return listed instanceof Promise ? listed.then(late => whyNot(url, late, options)) : whyNot(url, listed, options)
  }
}

/** Whether a list has an origin that is an identifier, as `url.origin` spells one. */
function isListed(list: IdentifierList, origin: string): boolean | Promise<boolean> {
  return Array.isArray(list) ? isAmong(list, origin) : onList(list, origin)
}

function whyNot(url: URL, listed: boolean, options: IdentifyPolicyOptions): ReturnType<WhyNotIdentify> {
  // agent.identify-to
  if (!listed) return `${url.host} asked who you are; identifyTo does not list it, so nothing was sent`
  const isEndpoint = isTokenEndpoint(url, options)
  return isEndpoint === false ? undefined : whyNotEndpoint(url, isEndpoint)
}

async function whyNotEndpoint({ host, pathname }: URL, isEndpoint: Promise<boolean>): Promise<string | undefined> {
  // agent.identify-to
  if (await isEndpoint) return `${host}${pathname} is a token endpoint: the agent calls it by itself only`
  return undefined
}

/** False at once for an origin that is no server whose token endpoints the agent calls. */
function isTokenEndpoint(url: URL, options: IdentifyPolicyOptions): false | Promise<boolean> {
  const { acceptAuthServer, agentServer } = options
  const isAgentServer = url.origin === agentServer
  // Only a list names auth servers. With `any` or a function, every origin would have to be asked for its metadata.
  const isAuthServer = Array.isArray(acceptAuthServer) && isAmong(acceptAuthServer, url.origin)
  return (isAgentServer || isAuthServer) && isEndpointOf(url, { isAgentServer, isAuthServer }, options)
}

async function isEndpointOf(
  url: URL,
  { isAgentServer, isAuthServer }: { readonly isAgentServer: boolean; readonly isAuthServer: boolean },
  { discovery }: IdentifyPolicyOptions,
): Promise<boolean> {
  const endpoints: Array<string | undefined> = []
  if (isAgentServer)
    endpoints.push((await readMetadata('agent server', () => discovery.agent(url.origin)))?.delegate_token_endpoint)
  if (isAuthServer) {
    const metadata = await readMetadata('auth server', () => discovery.authServer(url.origin))
    endpoints.push(metadata?.agent_token_endpoint, metadata?.revocation_endpoint)
  }
  const path = lenientPath(url)
  return endpoints.some(endpoint => endpoint !== undefined && lenientPath(new URL(endpoint)) === path)
}

/** Returns a path as lenient servers read it: decoded, in lower case, without parameters and repeated slashes. */
function lenientPath({ origin, pathname }: URL): string {
  const path = new URL(origin + decoded(pathname)).pathname.toLowerCase()
  return path
    .replace(/;[^/]*/g, '')
    .replace(/\/+/g, '/')
    .replace(/\/$/, '')
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** Returns undefined for an origin without valid metadata, which has no token endpoint. Throws when it cannot be reached: it might have one. */
async function readMetadata<T>(who: Participant, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await checkParticipant(who, read)
  } catch (error) {
    if (error instanceof AgentError && error.code === 'invalid_answer') return undefined
    throw error
  }
}
