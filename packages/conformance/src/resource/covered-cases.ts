import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { requiredComponents } from '../signing/draft.js'
import { changeHeader } from '../wire/message.js'
import { alsoCovering, queried, withHeader, without } from './coverage-changes.js'
import { inlineKey, lowestRoute, pseudonym, type ResourceStage } from './stage.js'
import { varied } from './variations.js'

const group = 'covered'
const refusal = refusals.signature

/** COV: the components that must be covered. */
export const coveredCases: readonly Case<ResourceStage>[] = [
  varied({
    id: 'COV-01',
    group,
    refusal,
    refused: [
      { fault: 'nothing is covered', draft: draft => ({ ...draft, components: [] }) },
      {
        fault: 'nothing but the parameters is covered, and no parameter but created',
        draft: draft => ({ ...draft, components: [], parameters: draft.parameters.replace(/;nonce.*/, '') }),
      },
    ],
  }),
  varied({
    id: 'COV-02',
    group,
    clauses: ['error.required-components'],
    refusal,
    refused: ['"@method"', '"@authority"', '"@path"', '"signature-key"'].map(component => ({
      fault: `${component} is not covered`,
      draft: without(component),
    })),
  }),
  varied({
    id: 'COV-03',
    group,
    refusal,
    refused: [
      {
        fault: 'Signature-Key was replaced on the way by another key',
        sent: request => changeHeader(request, 'signature-key', () => `sig=${inlineKey(pseudonym().key.jwk)}`),
      },
      {
        fault: 'Signature-Key got another parameter on the way',
        sent: request => changeHeader(request, 'signature-key', value => `${value};note="x"`),
      },
      {
        fault: 'Signature-Key is not covered, and got another parameter on the way',
        draft: without('"signature-key"'),
        sent: request => changeHeader(request, 'signature-key', value => `${value};note="x"`),
      },
    ],
  }),
  varied({
    id: 'COV-04',
    group,
    base: queried,
    refusal,
    refused: [
      { fault: '@query is not covered', draft: without('"@query"') },
      {
        fault: '@query is not covered, and the query was changed on the way',
        draft: without('"@query"'),
        sent: request => ({ ...request, target: request.target.replace('x=1', 'x=2') }),
      },
    ],
  }),
  varied({
    id: 'COV-05',
    group,
    refusal,
    refused: stage =>
      lowestRoute(stage).target.includes('?')
        ? []
        : [{ fault: '@query is covered, and the target has no ?', draft: alsoCovering('"@query"') }],
  }),
  varied({
    id: 'COV-08',
    words: ['exactly when there are body bytes', '`"content-type"` | when there are body bytes'],
    group,
    needs: ['write'],
    route: stage => lowestRoute(stage, 'POST'),
    refusal,
    refused: [
      { fault: 'content-type is not covered', draft: without('"content-type"') },
      { fault: 'content-digest is not covered', draft: without('"content-digest"') },
      {
        fault: 'neither content-type nor content-digest is covered',
        draft: draft => ({
          ...draft,
          components: requiredComponents(draft).filter(one => !one.startsWith('"content-')),
        }),
      },
    ],
  }),
  varied({
    id: 'COV-09',
    words: '`content-digest` without a body',
    group,
    refusal,
    refused: [
      {
        fault: 'the digest of no bytes is covered, and there is no body',
        draft: draft =>
          alsoCovering('"content-digest"')({
            ...draft,
            digest: 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:',
          }),
      },
    ],
  }),
  varied({
    id: 'COV-44',
    words: '`content-type` may be covered without a body',
    group,
    accepted: [
      {
        fault: 'content-type is covered, and there is no body',
        draft: draft => alsoCovering('"content-type"')(withHeader('content-type', 'text/plain')(draft)),
      },
    ],
  }),
  varied({
    id: 'COV-45',
    words: 'where the request has one',
    group,
    refusal,
    refused: [
      {
        fault: 'content-type is covered, and is not there',
        draft: alsoCovering('"content-type"'),
      },
    ],
  }),
  varied({
    id: 'COV-46',
    group,
    needs: ['write'],
    route: stage => lowestRoute(stage, 'POST'),
    refusal,
    refused: [
      {
        fault: 'there is a body of one byte, and content-digest is not covered',
        draft: draft => without('"content-digest"')({ ...draft, body: Buffer.from('1') }),
      },
    ],
  }),
]
