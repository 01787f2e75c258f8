import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { signedBodyCases } from '../endpoint/signature-cases.js'
import { signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { changeHeader } from '../wire/message.js'
import { type AgentServerStage, enrolDraft } from './stage.js'

/** The cases of signed bodies, of enrolments: most renewals have no body. */
const bodyCases = signedBodyCases.map(
  (one): Case<AgentServerStage> => ({
    ...one,
    async run(trial, stage) {
      // The control uses up one code; what is refused must use up none.
      const [first, second] = [await stage.code(), await stage.code()]
      const codes = [first]
      await one.run(trial, { ...stage, right: () => enrolDraft(stage, makeKey(), codes.shift() ?? second) })
    },
  }),
)

/** What is answered to what is not signed as it should be. */
export const signerCases: readonly Case<AgentServerStage>[] = [
  ...bodyCases,
  {
    id: 'challenge.every-401',
    group: 'signature',
    async run(trial, stage) {
      await trial.control('a delegate renews its token', () => signDraft(stage.right()))
      const challenge = ['httpsig']
      const unsigned = changeHeader(signDraft(stage.right()), 'signature-key', () => undefined)
      await trial.refused('Signature-Key is missing', unsigned, { status: 401, challenge })
      const broken = () => signDraft({ ...stage.right(), signature: bytes => Buffer.alloc(bytes.length) })
      await trial.refused('the signature is all zero', broken, { ...refusals.signature, challenge })
    },
  },
]
