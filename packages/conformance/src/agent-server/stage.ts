import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { postDraft } from '../case/post.js'
import type { Random } from '../case/random.js'
import type { AgentServerConfiguration } from '../config/agent-server-configuration.js'
import { ConfigurationError } from '../config/configuration-error.js'
import { type EndpointStage, serverPlace, targetOf } from '../endpoint/endpoint-stage.js'
import type { Participant } from '../participants/participant.js'
import { parametersAt, pseudonym, type Signer, tokenMember } from '../resource/stage.js'
import type { Draft } from '../signing/draft.js'
import { makeKey, type TestKey } from '../signing/key.js'
import { readToken, signToken, type TokenDraft } from '../signing/token.js'

/** A delegate that has enrolled. */
export interface Enrolled {
  readonly key: TestKey
  readonly token: string
}

/** The agent server under test. */
export interface AgentServerStage extends EndpointStage {
  readonly configuration: AgentServerConfiguration
  /** An agent server that it does not know. */
  readonly otherAgent: Participant
  /** An OpenID issuer whose tokens enrol; undefined where they do not. */
  readonly oidcIssuer: Participant | undefined
  /** A delegate that is there for all cases. */
  readonly delegate: Enrolled
  /** A new enrolment code. */
  code(): Promise<string>
  /** A new enrolment code of a delegate with conditions. */
  limitedCode(): Promise<string>
}

/** The stage, before a delegate has enrolled. */
export function agentServerPlace(o: {
  readonly configuration: AgentServerConfiguration
  readonly url: URL
  readonly random: Random
  readonly metadata: Readonly<Record<string, unknown>>
  readonly otherAgent: Participant
  readonly oidcIssuer: Participant | undefined
  readonly delegate: Enrolled
  readonly code: () => Promise<string>
  readonly limitedCode: () => Promise<string>
}): AgentServerStage {
  const { configuration, url, ...rest } = o
  const stage: AgentServerStage = {
    ...rest,
    configuration,
    ...serverPlace(configuration.id ?? url.origin),
    right: () => delegateDraft(stage, callerOf(stage.delegate), ''),
  }
  return stage
}

/** A request to the delegate token endpoint. */
export function delegateDraft(stage: AgentServerStage, signer: Signer, body: object | string): Draft {
  return postDraft({
    authority: stage.authority,
    scheme: stage.scheme,
    target: targetOf(stage.metadata, 'delegate_token_endpoint'),
    signer,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    contentType: 'application/json',
    parameters: parametersAt(stage.now()),
  })
}

/** The request by which a key enrols. */
export function enrolmentDraft(stage: AgentServerStage, key: TestKey, enrollment: unknown): Draft {
  return delegateDraft(stage, pseudonym('Ed25519', key), { enrollment })
}

/** The request by which a key enrols with a code. */
export function enrolDraft(stage: AgentServerStage, key: TestKey, code: string): Draft {
  return enrolmentDraft(stage, key, { type: 'code', code })
}

/** Signs under the agent token of a delegate. */
export function callerOf({ key, token }: Enrolled): Signer {
  return { key, keyMember: tokenMember(token) }
}

/** The id that its agent server has given a delegate. */
export function subOf({ token }: Enrolled): string {
  return String(readToken(token)?.claims['sub'])
}

/** The body by which a delegate replaces its key. */
export function rotation(
  stage: AgentServerStage,
  delegate: Enrolled,
  o: { readonly next?: TestKey; readonly change?: (draft: TokenDraft) => TokenDraft } = {},
): { readonly jwk: object; readonly proof: string } {
  const { next = makeKey(), change = (draft: TokenDraft) => draft } = o
  const proof = signToken(
    change({
      header: { typ: 'key-proof+jwt', alg: next.alg },
      claims: {
        aud: String(stage.metadata['delegate_token_endpoint']),
        sub: subOf(delegate),
        jkt: delegate.key.thumbprint,
        iat: stage.now(),
        jti: randomUUID(),
      },
      key: next,
    }),
  )
  return { jwk: next.jwk, proof }
}

/** Codes that the command of the configuration prints: it runs again where they have run out. */
export function invitations(command: readonly string[]): () => Promise<string> {
  const codes: string[] = []
  return async () => {
    if (codes.length === 0) codes.push(...(await printedBy(command)).split('\n').flatMap(codeIn))
    const code = codes.shift()
    if (code === undefined) throw new ConfigurationError('invite has printed no enrolment code')
    return code
  }
}

/** @throws ConfigurationError where the program fails */
function printedBy([program = '', ...args]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: 60_000 }, (error, stdout) => {
      if (error === null) resolve(stdout)
      else reject(new ConfigurationError(`invite has failed: ${error.message}`, { cause: error }))
    })
  })
}

/** The code in a line: its member `code` where the line is a JSON object, else all of it. */
function codeIn(line: string): string[] {
  const text = line.trim()
  if (!text.startsWith('{')) return text === '' ? [] : [text]
  const { code } = JSON.parse(text) as { readonly code?: unknown }
  return typeof code === 'string' ? [code] : []
}
