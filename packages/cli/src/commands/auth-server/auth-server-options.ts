import { join } from 'node:path'
import { z } from 'zod'
import { stringList } from '../../flags/option-schema.js'
import { adminOptions } from '../../server/admin-port.js'
import { auditOptions } from '../../server/audit-log.js'
import { denyOptions } from '../../server/deny.js'
import { databaseOption, epochOptions, proxyOptions, rotationOption, serverOptions } from '../../server/participant.js'
import { policyOptions } from '../../server/policy.js'
import { workersOptions } from '../../workers/worker-count.js'

const exchangeRule = z.strictObject({
  upstream: z.string().describe('the auth server whose tokens are accepted; its own issuer needs a rule, too'),
  middle: z.string().describe('the resource that was called, and that calls the downstream resource'),
  downstream: z.string().describe('the downstream resource'),
  upstreamScopes: z
    .array(z.string())
    .min(1)
    .describe('scopes of the middle resource; the upstream token must have all of them'),
  scopes: z.array(z.string()).min(1).describe('scopes of the downstream resource that this rule allows'),
  decision: z.enum(['direct', 'consent']).describe('direct: at once; consent: the user decides'),
})

const provider = z.strictObject({
  id: z.string().describe('a part of the URL to register with the provider: ISSUER/login/callback/ID'),
  name: z.string().describe('the text of the button'),
  issuer: z.string().describe("the provider's issuer"),
  clientId: z.string().describe('the client id at the provider'),
  clientSecretFile: z.string().optional().describe('file that holds the client secret; default a public client'),
})

const demoUser = z.strictObject({
  name: z.string().describe('their name'),
  email: z.string().optional().describe('their e-mail address'),
})

const branding = z.strictObject({
  name: z.string().optional().describe("the operator's name, at the top of every page"),
  logoFile: z.string().optional().describe('a PNG, JPEG or WebP of at most 64 KiB and 1024 pixels a side'),
  accent: z.string().optional().describe('the colour of links and buttons, such as #0b57d0'),
  accentDark: z.string().optional().describe('the same on dark pages'),
})

const consentDefaults = z.strictObject({
  duration: z
    .enum(['once', 'day', 'month'])
    .optional()
    .describe('how long: once, a single call; day, 24 hours; month, 30 days; default until it is taken back'),
  callsPerDay: z.coerce.number().int().min(1).optional().describe('calls a day; default any number'),
  hours: z
    .strictObject({
      zone: z.string().describe('the time zone, an IANA name'),
      days: z.array(z.number().int().min(1).max(7)).min(1).describe('the days; 1 is Monday'),
      from: z.string().describe('such as 09:00'),
      to: z.string().describe('such as 18:00'),
    })
    .optional()
    .describe('days and hours; default any time'),
  zone: z
    .string()
    .optional()
    .describe('the time zone that is chosen at first; default that of hours, else of the server'),
})

/** Options of `countersign auth-server`. */
export const authServerOptions = z.strictObject({
  ...serverOptions,
  ...proxyOptions,
  ...epochOptions,
  ...auditOptions,
  database: databaseOption('auth-server'),
  rotateKeysEvery: rotationOption(
    'the key of the key file is the first, the next are kept in the database; never leaves the keys of the file to you; default 30 days',
  ),
  authTokenLifetime: z.coerce
    .number()
    .int()
    .min(1)
    .max(3600)
    .optional()
    .describe('lifetime of an auth token in seconds; default 600'),
  ...policyOptions,
  ...denyOptions,
  ...adminOptions,
  ...workersOptions,
  login: z.array(provider).default([]).describe('OpenID providers at which users sign in; default none'),
  passkeys: z
    .enum(['open', 'invitation', 'openid'])
    .optional()
    .describe(
      'users sign in with passkeys; who may make an account: open, everyone; invitation, those with a link of auth-server invite; openid, users of the OpenID providers; default no passkeys',
    ),
  demoUsers: z
    .array(demoUser)
    .default([])
    .describe('fictional users who sign in without a password, with --development only; default none'),
  branding: branding.optional().describe('name, logo and colours of the pages for users; default none'),
  consentDefaults: consentDefaults
    .optional()
    .describe('the limits that consent pages suggest where the resource keeps them; default none'),
  exchange: z
    .strictObject({
      rules: z.array(exchangeRule).describe('the tokens that resources may exchange to call other resources'),
      dangerouslySharedSubjects: z
        .array(z.string())
        .default([])
        .describe(
          'issuers that give the same users the same sub; the operator of one can act for all users of the others',
        ),
    })
    .default({ rules: [], dangerouslySharedSubjects: [] })
    .describe('tokens of other auth servers that may be exchanged for tokens of this one; default none'),
  deviceFlow: stringList.default([]).describe('agents that may show a device code to type in, or any; default none'),
  pagesPerMinute: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      'pages that one network may request in a minute, and beyond that each user who is signed in; default 300',
    ),
})

/** The URL of the server's database. */
export function databaseOf(folder: string, { database }: { readonly database?: string | undefined }): string {
  return database ?? `sqlite:${join(folder, 'auth-server.db')}`
}

/** The values of {@link authServerOptions}. */
export type AuthServerSettings = z.infer<typeof authServerOptions>
