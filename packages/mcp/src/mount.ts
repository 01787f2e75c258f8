import type { ReceivedMessage } from '@countersign/httpsig'
import { checkTarget, pathOf } from '@countersign/httpsig/internal'
import { refusal } from '@countersign/protocol/internal'
import type { Guarded, Resource } from '@countersign/resource'
import type { MountableParticipant } from '@countersign/server'
import { preflightOf } from './origin.js'
import { type McpOAuth, type ProtectedResource, protectedResource } from './protected-resource.js'
import type { McpRules } from './rules/mcp-rules.js'

/** An endpoint of a resource. */
export interface Mount {
  /** The endpoint's path. */
  readonly path: string
  /** The endpoint's metadata for OAuth clients, when it accepts them. */
  readonly metadata: ProtectedResource | undefined
  /** What is served: the endpoint, the metadata and the resource's own paths. */
  serve(answer: (message: ReceivedMessage) => Promise<Response>): Omit<MountableParticipant, 'close'>
}

/**
 * @throws TypeError for a path that is none, and for an issuer that is not a URL
 */
// unchecked options {} and rules: guardMcp or agentTransport has checked them
export function mountOf<S extends string>(
  resource: Resource<S>,
  { path = '/mcp', oauth }: { readonly path?: string; readonly oauth?: McpOAuth },
  rules: McpRules<S>,
): Mount {
  if (!/^\/[\x21\x24-\x3e\x40-\x7e]*$/.test(path))
    throw new TypeError("guardMcp: option 'path' must begin with /, without query")
  const scopes = scopesOf(rules)
  const metadata = oauth && protectedResource(oauth, { endpoint: `${resource.id}${path}`, scopes, cors: resource.cors })
  return {
    path,
    metadata,
    serve: answer => ({
      paths: [path, ...resource.paths, ...(metadata?.paths ?? [])],
      async handle(message) {
        checkTarget(message)
        const at = pathOf(message.target)
        if (at === path) return preflightOf(message, resource) ?? answer(message)
        if (metadata?.paths.includes(at)) return metadata.answer(message)
        const response = await resource.handle(message)
        if (response !== undefined) return response
        throw refusal('path_unknown')
      },
      ready: () => resource.ready(),
    }),
  }
}

function scopesOf({ session, tools, prompts, resources }: McpRules<string>): string[] {
  const all = [session, ...[tools, prompts, resources].flatMap(rules => Object.values(rules ?? {}))]
  return [...new Set(all.flatMap(rule => rule?.scope ?? []))]
}

/**
 * The facts about the caller among what the SDK knows of a request.
 * @throws TypeError when the server is not behind `guardMcp`
 */
// unchecked options authInfo: it is a party, a message or a logger, of which few members are read
export function callerIn(authInfo: { readonly extra?: Readonly<Record<string, unknown>> } | undefined): Guarded {
  const aauth = authInfo?.extra?.['aauth']
  if (aauth === undefined) throw new TypeError('this request was not verified: put guardMcp in front of the server')
  return aauth as Guarded
}
