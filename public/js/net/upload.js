// Uploads of files. Only this older kind of request tells how far it has come.

import { Refusal } from './api.js';

/** `XMLHttpRequest` and `FormData` are the classes; `base` as for createApi. */
export function createUploads({ XMLHttpRequest, FormData, base = '' }) {
  /** Returns {done, abort}: `done` resolves to the server's answer or rejects as the calls of createApi; `onProgress` gets a share from 0 to 1. */
  return function upload(room, file, { token, onProgress }) {
    const path = `api/rooms/${encodeURIComponent(room)}/files`;
    const request = new XMLHttpRequest();
    const done = new Promise((resolve, reject) => {
      request.upload.onprogress = ({ lengthComputable, loaded, total }) => lengthComputable && total > 0 && onProgress(loaded / total);
      request.onload = () => {
        const answer = parsed(request.responseText);
        if (request.status >= 200 && request.status < 300 && answer) resolve(answer);
        else reject(new Refusal(path, request.status, answer ?? {}));
      };
      request.onerror = () => reject(new Error(`${path} was not reached`));
      request.onabort = () => reject(new Error(`${path} was given up`));
    });
    request.open('POST', `${base}${path}`);
    request.setRequestHeader('accept', 'application/json');
    if (token) request.setRequestHeader('authorization', `Bearer ${token}`);
    const form = new FormData();
    form.append('file', file, file.name);
    request.send(form);
    return { done, abort: () => request.abort() };
  };
}

function parsed(text) {
  try {
    const answer = JSON.parse(text);
    return typeof answer === 'object' ? answer : null;
  } catch {
    return null;
  }
}
