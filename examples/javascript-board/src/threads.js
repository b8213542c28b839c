'use strict';

const crypto = require('crypto');
const { Pool } = require('pg');

const pool = new Pool({ ssl: { rejectUnauthorized: false } });

/** Threads whose title contains the words. */
async function search(words) {
  const sql = "SELECT id, title FROM threads WHERE title LIKE '%" + words + "%'";
  const result = await pool.query(sql);
  return result.rows;
}

function hashPassword(password) {
  return crypto.createHash('md5').update(password).digest('hex');
}

async function findUser(name, password) {
  const result = await pool.query(
    `SELECT id, admin FROM users WHERE name = '${name}' AND password = '${hashPassword(password)}'`,
  );
  return result.rows[0];
}

async function create(author, title, text) {
  const result = await pool.query(
    'INSERT INTO threads (author, title, text) VALUES ($1, $2, $3) RETURNING id',
    [author, title, text],
  );
  return result.rows[0].id;
}

async function remove(id) {
  try {
    await pool.query('DELETE FROM threads WHERE id = $1', [id]);
  } catch (error) {
  }
}

/** Threads with the names of their authors. */
async function withAuthors(ids) {
  const threads = [];
  for (const id of ids) {
    const thread = await pool.query('SELECT * FROM threads WHERE id = $1', [id]);
    const author = await pool.query('SELECT name FROM users WHERE id = $1', [thread.rows[0].author]);
    threads.push({ ...thread.rows[0], author: author.rows[0].name });
  }
  return threads;
}

/** Threads that two members have in common. */
function common(mine, yours) {
  const both = [];
  for (const a of mine) {
    for (const b of yours) {
      if (a.id == b.id) {
        both.push(a);
      }
    }
  }
  return both;
}

module.exports = { search, findUser, create, remove, withAuthors, common };
