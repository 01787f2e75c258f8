import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { requiredComponents } from '../signing/draft.js'
import { addHeaders, changeHeader } from '../wire/message.js'
import { changedInput, coveringMany, keyed, memberOf } from './component-changes.js'
import { alsoCovering, queried, replacing, withHeader } from './coverage-changes.js'
import { lowestRoute, type ResourceStage } from './stage.js'
import { varied } from './variations.js'

const group = 'components'
const refusal = refusals.signature

/** COV: components beside those, and the bytes that a signature is over. */
export const componentsCases: readonly Case<ResourceStage>[] = [
  varied({
    id: 'COV-10',
    group,
    accepted: [
      {
        fault: 'the components stand in the opposite order',
        draft: draft => ({ ...draft, components: requiredComponents(draft).toReversed() }),
      },
    ],
  }),
  varied({
    id: 'COV-11',
    group,
    refusal,
    refused: ['"@method"', '"@path"', '"signature-key"'].map(component => ({
      fault: `${component} is covered twice`,
      draft: alsoCovering(component),
    })),
  }),
  varied({
    id: 'COV-12',
    group,
    base: queried,
    refusal,
    refused: [
      { fault: '@query-param stands in for @query', draft: replacing('"@query"', '"@query-param";name="x"', '1') },
      { fault: '@target-uri stands in for @authority', draft: replacing('"@authority"', '"@target-uri"') },
      { fault: '@request-target stands in for @path', draft: replacing('"@path"', '"@request-target"') },
    ],
  }),
  varied({
    id: 'COV-13',
    group,
    accepted: [
      { fault: '@target-uri and @scheme are covered besides', draft: alsoCovering('"@target-uri"', '"@scheme"') },
    ],
    refusal,
    refused: [
      {
        fault: '@target-uri is covered with another authority',
        draft: draft => ({
          ...alsoCovering('"@target-uri"')(draft),
          values: { '"@target-uri"': `${draft.scheme}://evil.example${draft.target}` },
        }),
      },
      {
        fault: '@scheme is covered with the other scheme',
        draft: draft => ({
          ...alsoCovering('"@scheme"')(draft),
          values: { '"@scheme"': draft.scheme === 'https' ? 'http' : 'https' },
        }),
      },
    ],
  }),
  varied({
    id: 'COV-14',
    group,
    refusal,
    refused: [
      { fault: '"signature-key";sf stands for "signature-key"', draft: keyed(';sf', draft => memberOf(draft)) },
      {
        fault: '"signature-key";bs stands for "signature-key"',
        draft: keyed(';bs', draft => `:${Buffer.from(memberOf(draft)).toString('base64')}:`),
      },
      {
        fault: '"signature-key";key="sig" stands for "signature-key"',
        draft: keyed(';key="sig"', draft => draft.keyMember),
      },
      { fault: '"@method";req stands for "@method"', draft: replacing('"@method"', '"@method";req', 'GET') },
    ],
  }),
  varied({
    id: 'COV-15',
    words: 'must refuse an unknown or unresolvable component',
    group,
    refusal,
    refused: ['"@foo"', '"@status"', '"@signature-params"'].map(component => ({
      fault: `${component} is covered`,
      draft: draft => ({ ...alsoCovering(component)(draft), values: { [component]: '200' } }),
    })),
  }),
  varied({
    id: 'COV-16',
    words: 'must refuse an unknown or unresolvable component',
    group,
    refusal,
    refused: [{ fault: 'a field that is not there is covered', draft: alsoCovering('"x-not-there"') }],
  }),
  varied({
    id: 'COV-17',
    group,
    accepted: [
      {
        fault: 'accept is covered besides',
        draft: draft => alsoCovering('"accept"')(withHeader('accept', '*/*')(draft)),
      },
      {
        fault: 'a field of two lines is covered besides',
        draft: draft => alsoCovering('"x-a"')(withHeader('x-a', 'two')(withHeader('x-a', 'one')(draft))),
      },
      {
        fault: 'a covered field has spaces around its value',
        draft: draft => alsoCovering('"x-a"')(withHeader('x-a', '  one  ')(draft)),
      },
    ],
  }),
  varied({
    id: 'sig.covered.more',
    group,
    base: draft => withHeader('x-d', 'a=1, b=(2 3);p')(withHeader('x-a', 'one')(queried(draft))),
    accepted: [
      ['"x-a";bs', `:${Buffer.from('one').toString('base64')}:`],
      ['"x-d";key="a"', '1'],
      ['"x-d";key="b"', '(2 3);p'],
      ['"@query-param";name="x"', '1'],
    ].map(([component = '', value = '']) => ({
      fault: `${component} is covered besides`,
      draft: draft => ({ ...alsoCovering(component)(draft), values: { [component]: value } }),
    })),
    refusal,
    refused: [
      ['"x-a";tr', 'one'],
      ['"@method";tr', 'GET'],
      ['"x-a";req', 'one'],
      ['"x-a";unknown', 'one'],
      ['"x-a";bs;sf', 'one'],
      ['"x-d";key="c"', ''],
      ['"x-d";bs;key="a"', '1'],
      ['"@query-param"', '1'],
      ['"@query-param";name="y"', ''],
      ['"@query-param";name=x', '1'],
      ['"@method";name="x"', 'GET'],
    ].map(([component = '', value = '']) => ({
      fault: `${component} is covered besides`,
      draft: draft => ({ ...alsoCovering(component)(draft), values: { [component]: value } }),
    })),
  }),
  varied({
    id: 'sig.covered.ascii',
    words: 'anything but printable ASCII, space and tab',
    group,
    accepted: [{ fault: 'x-a holds a tab', draft: draft => alsoCovering('"x-a"')(withHeader('x-a', 'a\tb')(draft)) }],
    refusal,
    refused: [
      { fault: 'x-a holds the byte E9', draft: draft => alsoCovering('"x-a"')(withHeader('x-a', 'a\xe9')(draft)) },
      {
        fault: 'x-a holds the byte E9, and is covered with bs',
        draft: draft => ({
          ...alsoCovering('"x-a";bs')(withHeader('x-a', 'a\xe9')(draft)),
          values: { '"x-a";bs': `:${Buffer.from('a\xe9', 'latin1').toString('base64')}:` },
        }),
      },
    ],
  }),
  varied({
    id: 'limits.components',
    group,
    accepted: [{ fault: '32 components are covered', draft: draft => coveringMany(32)(draft) }],
    refusal,
    refused: [
      { fault: '33 components are covered', draft: coveringMany(33) },
      {
        fault: '200 components are covered',
        draft: coveringMany(200),
        // A server may refuse so many header lines before it reads them.
        refused: { status: [401, 431], orClosed: true },
      },
    ],
  }),
  varied({
    id: 'COV-18',
    words: 'must refuse an unknown or unresolvable component',
    group,
    refusal: { status: [400, 401], orClosed: true },
    base: withHeader('x-a', 'one'),
    refused: ['"X-A"', '"x a"', '"x-a\\""', '"x-a "', '""'].map(component => ({
      fault: `the component ${component} is covered`,
      draft: draft => ({ ...alsoCovering(component)(draft), values: { [component]: 'one' } }),
    })),
  }),
  varied({
    id: 'COV-19',
    group,
    // A router may not know the other method for this path: then no handler runs either.
    refusal: { status: [401, 404, 405] },
    refused: [
      { fault: 'it was signed as GET and sent as HEAD', sent: request => ({ ...request, method: 'HEAD' }) },
      {
        fault: 'it was signed as HEAD and sent as GET',
        draft: draft => ({ ...draft, values: { '"@method"': 'HEAD' } }),
      },
      {
        fault: 'it was signed as DELETE and sent as GET',
        draft: draft => ({ ...draft, values: { '"@method"': 'DELETE' } }),
      },
    ],
  }),
  varied({
    id: 'COV-20',
    words: 'Method-override headers must be ignored',
    group,
    needs: ['write'],
    route: stage => lowestRoute(stage, 'POST'),
    accepted: ['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method'].map(name => ({
      fault: `${name} names DELETE`,
      sent: request => addHeaders(request, [name, 'DELETE']),
    })),
  }),
  varied({
    id: 'COV-36',
    group,
    base: draft => alsoCovering('"x-a"')(withHeader('x-a', 'a  b')(draft)),
    accepted: [
      {
        fault: 'space around a covered value was added on the way',
        sent: request => changeHeader(request, 'x-a', value => `  ${value}\t`),
      },
    ],
    refusal,
    refused: [
      {
        fault: 'space inside a covered value was taken out on the way',
        sent: request => changeHeader(request, 'x-a', () => 'a b'),
      },
    ],
  }),
  varied({
    id: 'COV-37',
    words: 'a header value with NUL, CR or LF',
    group,
    clauses: ['sig.target.form'],
    base: draft => alsoCovering('"x-a"')(withHeader('x-a', 'a b')(draft)),
    refusal: { status: [400, 401], orClosed: true },
    refused: [
      {
        fault: 'a covered field was folded on the way',
        sent: request => changeHeader(request, 'x-a', () => 'a\r\n b'),
      },
    ],
  }),
  varied({
    id: 'COV-42',
    words: 'must stay in the signature base',
    group,
    refusal,
    refused: [
      changedInput('an alg parameter was added on the way', value => `${value};alg="ed25519"`),
      changedInput('created was moved by a second on the way', value =>
        value.replace(/created=(\d+)/, (_, time: string) => `created=${Number(time) + 1}`),
      ),
      changedInput('expires was added on the way', value => `${value};expires=99999999999`),
      changedInput('an unknown parameter was added on the way', value => `${value};x=1`),
    ],
  }),
  varied({
    id: 'NON-03',
    words: 'must stay in the signature base',
    group,
    refusal,
    refused: [
      changedInput('the nonce was changed on the way', value =>
        value.replace(/nonce="(.)/, (_, first: string) => `nonce="${first === 'A' ? 'B' : 'A'}`),
      ),
      changedInput('the nonce was taken out on the way', value => value.replace(/;nonce="[^"]*"/, '')),
      changedInput('a second nonce was added on the way', value => `${value};nonce="other"`),
    ],
  }),
  varied({
    id: 'sig.parameters.kept',
    words: ['must stay in the signature base', 'A Decimal without a fraction'],
    group,
    accepted: [
      {
        fault: 'the signature has an unknown parameter',
        draft: draft => ({ ...draft, parameters: `${draft.parameters};x-y=1;z="t"` }),
      },
      changedInput('spaces were added on the way, where the header may have some', value =>
        value.replace('(', '(  ').replace(')', '  )').replaceAll('" "', '"   "').replaceAll(';', ';  '),
      ),
      {
        fault: 'parameters have each type that there is',
        draft: draft => ({ ...draft, parameters: `${draft.parameters};a=1.5;b;c=tok/en;d=:YWI=:;e="t";f=?0;g=-7` }),
      },
    ],
    refusal,
    refused: [
      {
        fault: 'a parameter is a Decimal without a fraction',
        draft: draft => ({ ...draft, parameters: `${draft.parameters};x=1.0` }),
      },
    ],
  }),
]
