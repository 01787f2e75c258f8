import { isIdentifier, wordsOf } from './identifier.js'
import { isObject, isTexts, type JsonObject } from './json.js'

/** The documents by which participants know each other. */
export type Role = 'aauth-agent' | 'aauth-issuer' | 'aauth-resource'

/** Whether a member of metadata has its type and form. */
type Form = (value: unknown) => boolean

const isText: Form = value => typeof value === 'string' && value !== ''
const isWord: Form = value => wordsOf(value)?.length === 1

/** An absolute URL. @see protocol §2 */
const isUrl: Form = value => {
  if (typeof value !== 'string' || value.length > 2048 || !/^[!-~]+$/.test(value)) return false
  if (!URL.canParse(value) || value.includes('#')) return false
  const { origin, username, password } = new URL(value)
  return isIdentifier(origin) && username === '' && password === ''
}

const listOf =
  (isOne: Form): Form =>
  value =>
    Array.isArray(value) && value.every(isOne)

const mapOf =
  (isOne: Form): Form =>
  value =>
    isObject(value) && Object.values(value).every(isOne)

const isOperation: Form = value => {
  if (!isObject(value)) return typeof value === 'string'
  const { description, grave } = value
  return typeof description === 'string' && (grave === undefined || typeof grave === 'boolean')
}

const isView: Form = value =>
  isObject(value) && typeof value['description'] === 'string' && isTexts(value['fields']) && value['fields'].length > 0

/** The members that are named, of each document. @see protocol §6 */
const formsOf: Readonly<Record<Role, Readonly<Record<string, Form>>>> = {
  'aauth-issuer': {
    jwks_uri: isUrl,
    agent_token_endpoint: isUrl,
    agent_auth_endpoint: isUrl,
    revocation_endpoint: isUrl,
    agent_signing_algs_supported: isTexts,
    request_types_supported: isTexts,
    scopes_supported: listOf(isWord),
    constraints_supported: isTexts,
  },
  'aauth-agent': {
    jwks_uri: isUrl,
    redirect_uris: listOf(isUrl),
    localhost_callback_allowed: value => typeof value === 'boolean',
    delegate_token_endpoint: isUrl,
    name: isText,
    logo_uri: isUrl,
    policy_uri: isUrl,
    tos_uri: isUrl,
    homepage: isUrl,
  },
  'aauth-resource': {
    jwks_uri: isUrl,
    resource_token_endpoint: isUrl,
    revocation_endpoint: isUrl,
    auth_servers: listOf(isIdentifier),
    supported_scopes: listOf(isWord),
    scope_descriptions: mapOf(value => typeof value === 'string'),
    grave_scopes: listOf(isWord),
    additional_signature_components: isTexts,
    purposes: mapOf(isText),
    operations: mapOf(isOperation),
    data_views: mapOf(isView),
    constraints_supported: isTexts,
  },
}

const required: Readonly<Record<Role, readonly string[]>> = {
  'aauth-issuer': ['jwks_uri', 'agent_token_endpoint'],
  'aauth-agent': ['jwks_uri'],
  'aauth-resource': ['jwks_uri'],
}

/** Names the first member that is missing or of another form; members that are not named are ignored. */
export function wrongMember(document: JsonObject, role: Role): string | undefined {
  const missing = required[role].find(name => document[name] === undefined)
  const forms = Object.entries(formsOf[role])
  return missing ?? forms.find(([name, isRight]) => name in document && !isRight(document[name]))?.[0]
}
