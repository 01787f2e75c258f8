import { z } from 'zod'
import { redisUrl, stringList, switchWithoutVariable } from '../../flags/option-schema.js'
import { proxyOptions, serverOptions } from '../../server/participant.js'

const level = z.enum(['anonymous', 'pseudonymous', 'identified', 'authorized'])
const limits = z.partialRecord(
  z.enum([...level.options, 'network', 'agent', 'site']),
  z.string().regex(/^\d+\/(s|sec|min|hour|day)$/, 'must read like 10/min'),
)

const describedOperation = z.strictObject({
  description: z.string(),
  grave: z.boolean().default(false).describe('far-reaching: auth servers verify the user anew before a yes'),
})

const dataView = z.strictObject({
  description: z.string(),
  fields: z.array(z.string()).describe('JSON pointers; * is every member or element'),
})

const describedScope = z.strictObject({
  description: z.string(),
  grave: z.boolean().default(false).describe('far-reaching: auth servers warn users of it'),
})

const user = z.strictObject({ iss: z.string(), sub: z.string(), agent: z.string().optional() })

const requirementOptions = {
  users: z
    .array(user)
    .optional()
    .describe('the only users that may pass: { iss, sub }, and with agent only through that agent'),
  deny: z
    .strictObject({
      agents: stringList.optional().describe('exact, or https://*.example.org'),
      delegates: z.array(z.strictObject({ agent: z.string(), delegate: z.string() })).optional(),
      users: z.array(user).optional(),
    })
    .optional()
    .describe('agents, delegates and users that are always refused'),
  once: z
    .enum(['unsafe', 'all'])
    .optional()
    .describe('which requests pass only once: unsafe (default) for unsafe methods, or all'),
  level: level
    .optional()
    .describe(
      'the level that a caller needs: anonymous, pseudonymous, identified or authorized; default authorized with a scope, otherwise identified',
    ),
  scope: stringList
    .optional()
    .describe(
      'the scopes that a caller needs, all of them; with a level below authorized, the scopes that a caller over its limit may ask for',
    ),
  agents: stringList
    .optional()
    .describe(
      'the only agents that may pass: exact, or https://*.example.org; those of the gateway hold for routes with level identified or authorized',
    ),
  limits: limits
    .optional()
    .describe(
      'requests per level, e.g. { anonymous: 10/min }; those of the gateway count over all routes without limits of their own',
    ),
}

/** What single routes and tools say, and not the gateway for all of them. */
const operationOptions = {
  purposes: stringList
    .optional()
    .describe('the only purposes that a token may be for; names among those of the gateway'),
  operation: z
    .string()
    .optional()
    .describe('what its requests do: a name among the operations of the gateway; a tool is one of its own name'),
  describe: z
    .string()
    .optional()
    .describe(
      'what a request is about to do, for the user who approves it, with values such as {path/2}, {query/to} or {body/subject}',
    ),
  unshown: stringList
    .optional()
    .describe(
      'what a user who approves a request need not see of it: body/trace, query/page, path/3, or a whole body, query or path; a request that holds more than describe shows is refused',
    ),
  approve: z.literal(true).optional().describe('true: a user approves each single request; needs scope and operation'),
}

const issuer = z.strictObject({
  issuer: z.string().min(1).describe('iss of its tokens, exactly'),
  audience: z.string().min(1).describe('aud of its tokens for this API'),
  jwksUri: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as https://accounts.example/jwks' })
    .optional()
    .describe('URL of its keys, at a public address'),
  jwks: z
    .strictObject({ keys: z.array(z.record(z.string(), z.unknown())) })
    .optional()
    .describe('its keys themselves, instead of jwksUri'),
  type: z
    .enum(['at+jwt', 'any'])
    .default('at+jwt')
    .describe('typ of its tokens: at+jwt (default, RFC 9068), or any for an issuer that does not set it'),
  scopeClaim: z.string().default('scope').describe('the claim with the scopes, a text or a list; default scope'),
})

const beside = z.strictObject({
  oauth: z
    .strictObject({
      issuers: z.array(issuer).min(1),
      realm: z.string().optional().describe('realm of the challenge; default none'),
      resourceMetadata: z
        .string()
        .optional()
        .describe('URL of the protected resource metadata (RFC 9728), for the challenge; default none'),
    })
    .optional()
    .describe('OAuth access tokens that are JWTs, as bearer tokens'),
  bots: stringList
    .optional()
    .describe('bots that sign with Web Bot Auth, by the origin of their keys: exact, https://*.example.org, or any'),
})

const besideOption = {
  alsoAccept: z
    .union([z.literal('none'), beside])
    .optional()
    .describe(
      'what unsigned requests may use beside AAuth: OAuth access tokens and signatures of bots, or none; default that of the gateway or route around it',
    ),
}

const named = z.record(z.string(), z.strictObject({ ...requirementOptions, ...operationOptions, ...besideOption }))

const route = z.strictObject({
  mcp: z
    .strictObject({
      tools: named.optional().describe('by name; * for all other tools; a tool without a rule is refused'),
      prompts: named.optional().describe('by name'),
      resources: named.optional().describe('by URI, or a prefix that ends in *'),
      optional: z
        .array(z.string())
        .optional()
        .describe(
          'tools and prompts with a rule that the server may not list: they are added later, or not for every caller',
        ),
    })
    .optional()
    .describe(
      'for an MCP server: the requirements of its tools, prompts and resources; the route’s own level is for sessions',
    ),
  path: z.string().startsWith('/').describe('a path, or a prefix that ends in *'),
  methods: z.array(z.string()).optional().describe('methods; default all'),
  ...requirementOptions,
  ...operationOptions,
  ...besideOption,
})

/** Options of `countersign gateway`. */
export const gatewayOptions = z.strictObject({
  ...serverOptions,
  upstream: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:8080' })
    .optional()
    .describe('origin of the API, e.g. http://127.0.0.1:8080'),
  timeout: z.coerce
    .number()
    .min(0.1)
    .max(3600)
    .optional()
    .describe('seconds in which the API must begin to answer; default 60'),
  healthPath: z
    .string()
    .startsWith('/')
    .optional()
    .describe(
      'path of the API that answers 2xx or 3xx while it is healthy, for /readyz; default: it accepts connections',
    ),
  dropHeaders: stringList
    .optional()
    .describe('more headers of callers that the API must not get; those that proxies write are always dropped'),
  check: z
    .enum(['nginx', 'envoy'])
    .optional()
    .describe(
      'nginx or envoy, instead of --upstream: that proxy asks at /check whether a request may pass, and forwards it itself',
    ),
  bodies: z
    .enum(['refuse', 'seen', 'unseen'])
    .optional()
    .describe(
      'with --check, how signed requests with a body are handled: refuse (default); seen if Envoy sends bodies to the check; unseen if the API itself compares Content-Digest with the body',
    ),
  identity: z
    .enum(['headers', 'jwt'])
    .default('headers')
    .describe('how the API gets the caller: headers (default) named AAuth-*, or jwt in AAuth-Identity'),
  jwksPath: z
    .string()
    .startsWith('/')
    .optional()
    .describe(
      'path of the published keys, e.g. /aauth/jwks.json for an API that has its own /.well-known/jwks.json (default)',
    ),
  authServer: stringList.optional().describe('auth servers whose tokens are accepted'),
  scopes: z
    .record(z.string(), z.union([z.string(), describedScope]))
    .optional()
    .describe('scopes with descriptions for users'),
  purposes: z
    .record(z.string(), z.string())
    .optional()
    .describe('what callers may use the API for, with descriptions for users'),
  operations: z
    .record(z.string(), z.union([z.string(), describedOperation]))
    .optional()
    .describe('what requests do, with descriptions for users; routes and tools name them'),
  dataViews: z
    .record(z.string(), dataView)
    .optional()
    .describe('parts of answers that a user may allow, with descriptions'),
  routes: z.array(route).optional().describe('requirements by path and method; a path on no route is 404'),
  counter: redisUrl
    .optional()
    .describe(
      'redis://HOST:PORT, or that of a Redis Cluster as for --replay, in which several instances count requests for limits together; default in memory',
    ),
  revocations: redisUrl
    .optional()
    .describe(
      'redis://HOST:PORT, or that of a Redis Cluster as for --replay, in which several instances keep the grants that auth servers have revoked; default in memory: a restart then refuses older tokens',
    ),
  ...proxyOptions,
  failureLimit: z
    .string()
    .default('600/min')
    .describe(
      'failed verifications and replays that one network may cause before its signed requests are 429; off for no limit; default 600/min',
    ),
  observe: switchWithoutVariable(
    'let all requests through and only log what would be refused, for `countersign gateway report`',
  ),
  bodyLimit: z.coerce.number().int().min(0).optional().describe('largest request body, in bytes; default 1 MiB'),
  alsoAccept: beside
    .optional()
    .describe('what unsigned requests may use beside AAuth: OAuth access tokens and signatures of bots'),
  ...requirementOptions,
})

/** The settings of a gateway, read and checked. */
export type GatewaySettings = z.infer<typeof gatewayOptions>
