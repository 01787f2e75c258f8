import type { Directory } from '@countersign/discovery'
import { type IdentifierList, isIdentifier, isListed } from '@countersign/protocol'
import { isAmong } from '@countersign/protocol/internal'
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

/** Returns why the agent does not identify itself to a URL; undefined when it may. */
export type WhyNotIdentify = (url: URL) => Promise<string | undefined>

/**
 * Decides where the agent signs in its own name. A caller who chooses URLs must not get a signature in that name for
 * hosts that are not listed, nor for the token endpoints that act on such a signature (signing oracle).
 * @see protocol §4 (4)
 */
export function identifyPolicy(options: IdentifyPolicyOptions): WhyNotIdentify {
  const { identifyTo, development } = options
  return async url => {
    const { origin, host } = url
    // agent.identify-to
    if (!isIdentifier(origin, { development })) return `${host} is no https origin, so nothing was signed for it`
    if (identifyTo === undefined || !(await isListed(identifyTo, origin)))
      // agent.identify-to
      return `${host} asked who you are; identifyTo does not list it, so nothing was sent`
    if (await isTokenEndpoint(url, options))
      // agent.identify-to
      return `${host}${url.pathname} is a token endpoint: the agent calls it by itself only`
    return undefined
  }
}

async function isTokenEndpoint(url: URL, options: IdentifyPolicyOptions): Promise<boolean> {
  const { acceptAuthServer, agentServer, discovery } = options
  const endpoints: Array<string | undefined> = []
  if (url.origin === agentServer)
    endpoints.push((await readMetadata('agent server', () => discovery.agent(url.origin)))?.delegate_token_endpoint)
  // Only a list names auth servers. With `any` or a function, every origin would have to be asked for its metadata.
  if (Array.isArray(acceptAuthServer) && isAmong(acceptAuthServer, url.origin)) {
    const metadata = await readMetadata('auth server', () => discovery.authServer(url.origin))
    endpoints.push(metadata?.agent_token_endpoint, metadata?.revocation_endpoint)
  }
  return endpoints.some(endpoint => endpoint !== undefined && lenientPath(new URL(endpoint)) === lenientPath(url))
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
