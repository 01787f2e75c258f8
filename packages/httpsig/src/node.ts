export { type Sodium, verifyOn, verifyWith } from './key/crypto-node.js'
export { keepBody } from './message/kept-body-node.js'
export { fromNode, peekNode } from './received-request-node.js'
