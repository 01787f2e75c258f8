import { type ParsedToken, verifyTokenSignature } from '@countersign/protocol'
import { checkTokenClaims, tokenWords } from '@countersign/protocol/internal/words'
import { type KeySource, keyFinding, noKey, unknownKeys } from './key-source.js'
import type { Run } from './run.js'
import type { StepId } from './steps.js'

/** Finds the key of a token's issuer, and verifies the token under it. */
export async function proveToken(parsed: ParsedToken, source: KeySource, run: Run): Promise<void> {
  const { typ, iss, kid } = parsed
  const found = await run.timed(() => source.keysOf(tokenWords[typ].publishedIn, iss, kid))
  if (found.value === undefined) {
    run.unknown('key', unknownKeys(source, iss))
    return run.unknown('token-signature', 'The key of its issuer is not known here.')
  }
  const [first, ...older] = found.value
  if (first === undefined)
    return run.fail('key', { reason: 'token_key_unknown', description: noKey(source, 'issuer') }, found)
  run.pass('key', keyFinding(source, iss, kid), found)
  await run.check('token-signature', `The issuer signed it with its key ${kid}.`, async () => {
    // A key may have been replaced under its kid since.
    for (const key of older) if ((await verifyTokenSignature(parsed, key).catch(() => 'wrong')) === undefined) return
    await verifyTokenSignature(parsed, first)
  })
}

const claimSteps: ReadonlyArray<readonly [StepId, string]> = [
  ['token-times', 'It has begun and not ended, and lives no longer than its type may.'],
  ['token-audience', 'It is for this receiver.'],
  ['token-claims', 'Every claim has its form, and cnf has the key.'],
]

/** Checks the claims of a token, told apart by the reason of the refusal. */
export function checkClaims(
  parsed: ParsedToken,
  at: { readonly now: number; readonly receiver?: string | undefined },
  run: Run,
): void {
  run.checkTogether(claimSteps, 'token-claims', () => checkTokenClaims(parsed, at.now, at.receiver))
  const audience = run.done.get('token-audience')
  const clause = tokenWords[parsed.typ].claims['aud']?.clause
  // Each type of token has a rule of its own for its receivers.
  if (audience !== undefined && clause !== undefined) run.done.set('token-audience', { ...audience, clause })
}
