import { type Report, shown, table, UsageError } from '@countersign/fetch'
import {
  explainSignature,
  HttpSigError,
  headerValues,
  parseSignatureKey,
  type ReceivedMessage,
  type SignatureExplanation,
  type SignatureFinding,
  type SignatureKey,
  type VerifyKey,
} from '@countersign/httpsig'
import { AAuthError, isIdentifier } from '@countersign/protocol'
import { parseRawRequest } from './raw-request.js'
import { type InspectedToken, type InspectSettings, inspectToken } from './token.js'

/** Whom the request is judged as. */
export interface RequestFlags {
  /** The verifier's own authority; default what `Host` says. */
  readonly authority?: string
  readonly scheme?: 'https' | 'http'
}

interface Signer {
  readonly key?: VerifyKey
  readonly token?: InspectedToken
  /** How the signer names its key, for people. */
  readonly named: string
  /** Why there is no key, or what is wrong with what names it. */
  readonly wrong?: string
  readonly hint?: string
}

function signatureKeyOf(message: ReceivedMessage): SignatureKey | undefined {
  try {
    return parseSignatureKey((headerValues(message, 'signature-key')[0] ?? '').trim()).key
  } catch (error) {
    if (error instanceof HttpSigError) return undefined
    throw error
  }
}

async function signerOf(key: SignatureKey | undefined, settings: InspectSettings, receiver: string): Promise<Signer> {
  switch (key?.scheme) {
    case 'hwk': {
      const given = settings.keys?.find()
      return { named: 'hwk (the key is in the request)', ...(given !== undefined && { key: given }) }
    }
    case 'jwks_uri':
      return publishedSigner(key, settings)
    case 'jwt': {
      const token = await inspectToken(key.jwt, settings, receiver)
      return { named: 'jwt (the key is in the token)', token, ...(token.holder !== undefined && { key: token.holder }) }
    }
    default:
      return { named: 'nothing that can be read' }
  }
}

async function publishedSigner(key: SignatureKey & { scheme: 'jwks_uri' }, settings: InspectSettings): Promise<Signer> {
  const { id, kid, dwk } = key
  const named = `jwks_uri (key ${shown(kid)} of ${shown(id)})`
  if (dwk !== 'aauth-agent') return { named, wrong: 'dwk of Signature-Key must be aauth-agent' }
  if (!isIdentifier(id, { development: settings.development }))
    return {
      named,
      wrong:
        'id of Signature-Key must be an https origin without path or trailing slash, such as https://agent.example',
      ...(!settings.development && { hint: 'add --development for http on this machine' }),
    }
  const given = settings.keys?.find(kid)
  if (given !== undefined) return { named, key: given }
  if (settings.discovery === undefined)
    return settings.keys === undefined
      ? { named, hint: "add --online, or --key with the agent's public keys" }
      : { named, wrong: 'the --key file holds no key with this kid' }
  try {
    const found = await settings.discovery.key('aauth-agent', id, kid)
    return found === undefined ? { named, wrong: 'the agent publishes no key with this kid' } : { named, key: found }
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    return { named, wrong: `the agent's keys cannot be had: ${error.description}` }
  }
}

/** The authority the request is judged for, and where it is from. */
function placeOf(
  message: ReceivedMessage,
  flags: RequestFlags,
  development: boolean,
): { authority: string; scheme: 'https' | 'http'; from: string } {
  const host = headerValues(message, 'host')[0]
  const named = flags.authority ?? host?.toLowerCase()
  if (named === undefined)
    throw new UsageError('the request has no Host: name the authority it was sent to with --authority')
  if (flags.authority !== undefined && !/^[a-z0-9.:[\]-]+$/.test(flags.authority))
    throw new UsageError('--authority must be host or host:port in lower case, without scheme or path')
  const isLoopback = /^(?:localhost|127\.|\[::1\])/.test(named)
  const scheme = flags.scheme ?? (development && isLoopback ? 'http' : 'https')
  return {
    authority: named.replace(scheme === 'https' ? /:443$/ : /:80$/, ''),
    scheme,
    from: flags.authority === undefined ? 'from Host; --authority to name another' : 'from --authority',
  }
}

/** Says component by component what was signed, whether it verifies, and if not, why and what to change. */
export async function inspectRequest(
  bytes: Uint8Array,
  flags: RequestFlags,
  settings: InspectSettings,
): Promise<Report> {
  const { message, notes } = parseRawRequest(bytes)
  const { authority, scheme, from } = placeOf(message, flags, settings.development)
  const signer = await signerOf(signatureKeyOf(message), settings, `${scheme}://${authority}`)
  const explanation = await explainSignature({
    message,
    authorities: [authority],
    scheme,
    now: () => settings.now,
    ...(signer.key !== undefined && { key: signer.key }),
    otherKeys: settings.keys?.others(signer.key) ?? [],
  })
  const ok = explanation.verdict !== 'refused' && signer.wrong === undefined && signer.token?.ok !== false
  const rows = explanation.components.map(({ name, value, signed }) => [
    shown(name),
    value === undefined ? '(none)' : shown(value),
    ...(signed === undefined ? [] : [`<- signed as ${shown(signed)}`]),
  ])
  return {
    ok,
    lines: [
      `${shown(message.method)} request to ${shown(authority)} over ${scheme} (${from})`,
      `signed with ${signer.named}${explanation.key === undefined ? '' : `: ${explanation.key.algorithm} key ${explanation.key.thumbprint}`}`,
      ...(rows.length === 0 ? [] : ['', 'what the signature covers, as received:', ...table(rows)]),
      ...parametersLine(explanation),
      '',
      ...(signer.token === undefined ? [] : [...signer.token.lines, '']),
      `verdict${signer.token === undefined ? '' : ' on the request'}: ${verdictOf(explanation, signer)}`,
      ...explanation.findings.flatMap(findingLines),
      ...(ok ? [] : notes.map(note => `note: ${note}`)),
    ],
    json: {
      kind: 'request',
      ok,
      scheme,
      ...explanation,
      ...(signer.wrong !== undefined && { signer: signer.wrong }),
      ...(signer.token !== undefined && { token: signer.token.json }),
      notes,
    },
  }
}

function parametersLine({ base }: SignatureExplanation): string[] {
  const line = base?.slice(base.lastIndexOf('\n') + 1).replace(/^"@signature-params": \(.*?\)/, '')
  return line === undefined ? [] : [`parameters: ${shown(line.replace(/^;/, '').replaceAll(';', ' '))}`]
}

function verdictOf({ verdict, signature, refusal }: SignatureExplanation, signer: Signer): string {
  const hint = signer.hint === undefined ? '' : ` (${signer.hint})`
  if (refusal !== undefined) {
    const besides = signature === 'right' ? '; the signature itself is right' : ''
    return `refused, ${refusal.status} ${refusal.code}: ${refusal.description}${besides}`
  }
  if (signer.wrong !== undefined) return `refused: ${signer.wrong}${hint}`
  if (verdict === 'unchecked') return `well-formed; the signature was not checked${hint}`
  if (signer.token?.ok === false) return 'signed by the holder of the token, but the token is wrong, see above'
  if (signer.token?.json['signature'] === 'not verified')
    return 'signed by the holder of the token; the token itself was not verified'
  return 'the signature verifies'
}

function findingLines(finding: SignatureFinding, index: number): string[] {
  const { cause, at, change, received, expected } = finding
  const right = ['clock', 'expired', 'algorithm', 'authority-not-served', 'body-altered'].includes(cause)
  return [
    `  ${index + 1}. ${cause}${at === undefined ? '' : ` (${shown(at)})`}: ${change}`,
    ...(received === undefined ? [] : [`       received  ${shown(received)}`]),
    ...(expected === undefined ? [] : [`       ${right ? 'expected' : 'signed  '}  ${shown(expected)}`]),
  ]
}
