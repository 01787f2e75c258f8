import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** What a response says other than an honest browser and authenticator would. */
export interface Lies {
  readonly origin?: string
  readonly rpId?: string
  readonly type?: string
  readonly crossOrigin?: boolean
  readonly challenge?: string
  /** Bits of the flags that are not set: 1 user presence, 4 user verification. */
  readonly without?: number
  readonly count?: number
  readonly id?: string
  readonly userHandle?: string
}

interface Options {
  readonly challenge: string
  readonly user?: { readonly id: string }
}

/** A passkey in memory, which signs as an authenticator does. */
export interface SoftPasskey {
  readonly id: string
  /** How often it has signed; 0 for one that does not count. */
  count: number
  /** The credential of a new passkey, as a form holds it. */
  created(options: Options, lies?: Lies): string
  /** A signature. */
  signed(options: Options, lies?: Lies): string
}

export function softPasskey(home: { readonly origin: string; readonly rpId: string }): SoftPasskey {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // A key of its own: Node 20 may hang where the key of a pair is exported as JWK.
  const publicKey = createPublicKey({
    key: pair.publicKey.export({ format: 'der', type: 'spki' }),
    format: 'der',
    type: 'spki',
  })
  const { privateKey } = pair
  const id = randomBytes(16).toString('base64url')
  let owner = ''
  const one: SoftPasskey = {
    id,
    count: 0,
    created(options, lies = {}) {
      owner = options.user?.id ?? ''
      const client = clientData(options, { ...home, type: 'webauthn.create', ...lies })
      const idBytes = Buffer.from(lies.id ?? id, 'base64url')
      const attested = Buffer.concat([Buffer.alloc(16), lengthOf(idBytes), idBytes, coseKey(publicKey)])
      const data = Buffer.concat([head({ ...home, ...lies }, one.count, 0x40), attested])
      const response = { clientDataJSON: client.toString('base64url'), attestationObject: attestation(data) }
      return JSON.stringify({ id: lies.id ?? id, type: 'public-key', response })
    },
    signed(options, lies = {}) {
      const client = clientData(options, { ...home, type: 'webauthn.get', ...lies })
      const data = head({ ...home, ...lies }, lies.count ?? one.count, 0)
      const response = {
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: signature(privateKey, data, client),
        userHandle: lies.userHandle ?? owner,
      }
      return JSON.stringify({ id: lies.id ?? id, type: 'public-key', response })
    },
  }
  return one
}

function clientData({ challenge }: Options, o: Lies): Buffer {
  const { type, origin, crossOrigin = false } = o
  return Buffer.from(JSON.stringify({ type, challenge: o.challenge ?? challenge, origin, crossOrigin }))
}

function head({ rpId = '', without = 0 }: Lies, count: number, more: number): Buffer {
  const counter = Buffer.alloc(4)
  counter.writeUInt32BE(count)
  return Buffer.concat([createHash('sha256').update(rpId).digest(), Buffer.from([(0x05 & ~without) | more]), counter])
}

function lengthOf(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return length
}

/** COSE, ES256: RFC 9053 §7.1.1. */
function coseKey(key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  return Buffer.concat([
    Buffer.from('a5010203262001215820', 'hex'),
    Buffer.from(x, 'base64url'),
    Buffer.from('225820', 'hex'),
    Buffer.from(y, 'base64url'),
  ])
}

/** CBOR of `{ fmt: "none", attStmt: {}, authData }`. */
function attestation(data: Buffer): string {
  return Buffer.concat([
    Buffer.from('a363666d74646e6f6e656761747453746d74a068617574684461746159', 'hex'),
    lengthOf(data),
    data,
  ]).toString('base64url')
}

function signature(key: KeyObject, data: Buffer, client: Buffer): string {
  const hash = createHash('sha256').update(client).digest()
  return sign('sha256', Buffer.concat([data, hash]), key).toString('base64url')
}
