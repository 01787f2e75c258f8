import { type Report, shown, table, UsageError } from '@countersign/fetch/internal'
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
import { parseRawRequest } from '@countersign/httpsig/internal'
import { signatureDiagnoses } from '@countersign/httpsig/reasons'
import { AAuthError, isIdentifier } from '@countersign/protocol'
import { defined } from '../../flags/defined.js'
import { readRaw } from './read-raw.js'
import { type InspectedToken, type InspectSettings, inspectToken } from './token.js'

/** The verifier of the request. */
export interface RequestFlags {
  /** The verifier's own authority; default that of `Host`. */
  readonly authority?: string
  readonly scheme?: 'https' | 'http'
}

interface Signer {
  readonly key?: VerifyKey | undefined
  readonly token?: InspectedToken
  /** How the request names the key, for the report. */
  readonly named: string
  /** What is wrong with the key or its name. */
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
      return { named: 'hwk (the key is in the request)', key: settings.keys?.find() }
    }
    case 'jwks_uri':
      return publishedSigner(key, settings)
    case 'jwt': {
      const token = await inspectToken(key.jwt, settings, receiver)
      return { named: 'jwt (the key is in the token)', token, key: token.holder }
    }
    default:
      return { named: 'an unreadable key' }
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
      ...(!settings.development && { hint: 'add --development to allow http on this machine' }),
    }
  const given = settings.keys?.find(kid)
  if (given !== undefined) return { named, key: given }
  if (settings.discovery === undefined)
    return settings.keys === undefined
      ? { named, hint: "add --online, or --key with the agent's public keys" }
      : { named, wrong: 'the --key file has no key with this kid' }
  try {
    const found = await settings.discovery.key('aauth-agent', id, kid)
    return found === undefined ? { named, wrong: 'the agent publishes no key with this kid' } : { named, key: found }
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    return { named, wrong: `the agent's keys cannot be fetched: ${error.description}` }
  }
}

/** The authority and scheme of the verifier, and where they come from. */
function placeOf(
  message: ReceivedMessage,
  flags: RequestFlags,
  development: boolean,
): { authority: string; scheme: 'https' | 'http'; from: string } {
  const host = headerValues(message, 'host')[0]
  const named = flags.authority ?? host?.toLowerCase()
  if (named === undefined)
    throw new UsageError('the request has no Host: name the authority that it was sent to with --authority')
  if (flags.authority !== undefined && !/^[a-z0-9.:[\]-]+$/.test(flags.authority))
    throw new UsageError('--authority must be host or host:port in lower case, without scheme or path')
  const isLoopback = /^(?:localhost|127\.|\[::1\])/.test(named)
  const scheme = flags.scheme ?? (development && isLoopback ? 'http' : 'https')
  return {
    authority: named.replace(scheme === 'https' ? /:443$/ : /:80$/, ''),
    scheme,
    from: flags.authority === undefined ? 'from Host; --authority names another' : 'from --authority',
  }
}

/** Shows each signed component, verifies the signature, and says what is wrong and what to change. */
export async function inspectRequest(
  bytes: Uint8Array,
  flags: RequestFlags,
  settings: InspectSettings,
): Promise<Report> {
  const { message, notes } = readRaw(() => parseRawRequest(bytes))
  const { authority, scheme, from } = placeOf(message, flags, settings.development)
  const signer = await signerOf(signatureKeyOf(message), settings, `${scheme}://${authority}`)
  const explanation = await explainSignature({
    message,
    authorities: [authority],
    scheme,
    now: () => settings.now,
    ...defined({ key: signer.key }),
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
      ...defined({ signer: signer.wrong, token: signer.token?.json }),
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
    const besides = signature === 'right' ? ' The signature itself is right.' : ''
    return `refused, ${refusal.status} ${refusal.code} (${refusal.reason}): ${refusal.description}${besides}`
  }
  if (signer.wrong !== undefined) return `refused: ${signer.wrong}${hint}`
  if (verdict === 'unchecked') return `well-formed; the signature was not checked${hint}`
  if (signer.token?.ok === false) return 'signed by the holder of the token, but the token is wrong, see above'
  if (signer.token?.json['signature'] === 'not verified')
    return 'signed by the holder of the token; the token itself was not verified'
  return 'the signature verifies'
}

function findingLines(finding: SignatureFinding, index: number): string[] {
  const { reason, at, change, received, expected } = finding
  const wasSigned = Object.hasOwn(signatureDiagnoses, reason)
  return [
    `  ${index + 1}. ${reason}${at === undefined ? '' : ` (${shown(at)})`}: ${change}`,
    ...(received === undefined ? [] : [`       received  ${shown(received)}`]),
    ...(expected === undefined ? [] : [`       ${wasSigned ? 'signed  ' : 'expected'}  ${shown(expected)}`]),
  ]
}
