/** The messages between edge and server. Normative description: docs/protocol.md. */

export {
  DIGEST_PREFIX_BYTES,
  digestPrefix,
  type ErrorMessage,
  type FeatureRequest,
  MAX_ERROR_TEXT_BYTES,
  MAX_TENSORS,
  type Message,
  type PictureRequest,
  type ResponseMessage,
  type StageTimes,
} from './message.js';
export {
  MESSAGE_MAGIC,
  MESSAGE_VERSION,
  parseMessage,
  peekRequestId,
  serializeMessage,
} from './message-format.js';
export { ProtocolError, type ProtocolErrorCode } from './protocol-error.js';
export {
  REMOTE_ERRORS,
  type RemoteErrorCode,
  type RemoteErrorRow,
  remoteErrorCode,
} from './remote-error-codes.js';
