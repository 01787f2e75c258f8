/** In a page a token is checked under the key in hand: its directory looks for no other one, and the bytes are saved. */
export { verifyTokenSignature as proveIssuer } from '@countersign/protocol'
