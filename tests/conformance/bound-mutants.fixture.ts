import type { Mutant } from './mutants.fixture.js'

const claims = 'protocol/dist/token/claims.js'
const holds = 'protocol/dist/condition/holds.js'

/** A limit of which a resource takes one less, or one more. */
const shifted = (
  lacks: string,
  file: string,
  o: { readonly line: string; readonly by: readonly string[]; readonly fails: readonly string[] },
): readonly Mutant[] =>
  o.by.map(by => ({ lacks: `${lacks}: it is ${by}`, file, find: o.line, replace: `${o.line} ${by}`, fails: o.fails }))

const both = ['- 1', '+ 1']

/** Resources that take a little less than they must, or a little more. */
export const boundMutants: readonly Mutant[] = [
  ...shifted('the limit of ids', claims, { line: 'const maxIdBytes = 512', by: both, fails: ['limits.ids'] }),
  {
    lacks: 'a count of bytes in ids: it counts characters',
    file: claims,
    find: 'new TextEncoder().encode(value).length <= maxIdBytes',
    replace: 'value.length <= maxIdBytes',
    fails: ['limits.ids'],
  },
  ...shifted('the limit of tokens', 'protocol/dist/token/jws.js', {
    line: 'export const maxJwsBytes = 6 * 1024',
    by: both,
    fails: ['token.size'],
  }),
  ...shifted('the limit of Signature-Key', 'httpsig/dist/signature/signature-key.js', {
    line: 'export const signatureKeyLimit = 7 * 1024',
    by: both,
    fails: ['DOS-03'],
  }),
  ...shifted('the limit of Signature-Input and Signature', 'httpsig/dist/component/signature-input.js', {
    line: 'bytes: 8 * 1024',
    by: both,
    fails: ['DOS-27'],
  }),
  ...shifted('the limit of Content-Digest', 'httpsig/dist/digest/content-digest.js', {
    line: 'const lengthLimit = 4 * 1024',
    by: both,
    fails: ['DIG-22'],
  }),
  ...shifted('the limit of parameters', 'httpsig/dist/component/message-parts.js', {
    line: 'const mostParameters = 1000',
    by: both,
    fails: ['DOS-02'],
  }),
  ...shifted('the limit of components', 'httpsig/dist/component/signature-input.js', {
    line: 'export const componentLimit = 32',
    by: both,
    fails: ['limits.components'],
  }),
  ...shifted('the limit of forms', 'protocol/dist/message/body-size.js', {
    line: 'const mostBytes = 64 * 1024',
    by: ['- 1'],
    fails: ['TOK-07'],
  }),
  ...shifted('the limit of scopes', 'protocol/dist/term/scope.js', {
    line: 'const maxScopes = 64',
    by: both,
    fails: ['limits.scopes'],
  }),
  ...shifted('the limit of conditions', 'protocol/dist/condition/parse.js', {
    line: 'export const maxConditions = 32',
    by: both,
    fails: ['policy.shape'],
  }),
  ...shifted('the limit of lists of conditions', 'protocol/dist/condition/parse.js', {
    line: 'export const maxConditionBytes = 2 * 1024',
    by: both,
    fails: ['policy.shape'],
  }),
  ...shifted('the limit of pointers', 'protocol/dist/condition/shape.js', {
    line: 'const longestPointer = 512',
    by: both,
    fails: ['policy.shape'],
  }),
  ...shifted('the limit of metadata', 'discovery/dist/read-document.js', {
    line: 'export const maxMetadataBytes = 64 * 1024',
    by: both,
    fails: ['DSC-12'],
  }),
  ...shifted('the limit of key sets', 'discovery/dist/read-document.js', {
    line: 'export const maxJwksBytes = 256 * 1024',
    by: both,
    fails: ['DSC-12'],
  }),
  {
    lacks: 'direct tokens among those that a list of services lets through',
    file: holds,
    find: 'facts.services.every(id => condition.through?.includes(id) ?? true)',
    replace: '(condition.through === undefined || facts.services.some(id => condition.through.includes(id)))',
    fails: ['policy.chain'],
  },
  {
    lacks: 'the last service that a chain may have',
    file: holds,
    find: 'facts.levels <= condition.max',
    replace: '(facts.levels === 0 || facts.levels < condition.max)',
    fails: ['policy.chain'],
  },
  {
    lacks: 'a minute in which it keeps a notice beyond its end',
    file: 'resource/dist/revocation/revocation-set.js',
    find: 'exp + revocationTolerance',
    replace: 'exp',
    fails: ['revocation.unseen'],
  },
]
