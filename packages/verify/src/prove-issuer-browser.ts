/** In a page a token is verified with the cached key only: the directory of a page fetches no replaced key. */
export { verifyTokenSignature as proveIssuer } from '@countersign/protocol'
