export { verifyOn } from './key/crypto-node.js'
export { ed25519With, type Sodium } from './key/sodium.js'
export { keepBody } from './message/kept-body-node.js'
export { fromNode, peekNode, type ReceiveOptions, receiveNode } from './received-request-node.js'
