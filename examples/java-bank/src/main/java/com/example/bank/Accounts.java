package com.example.bank;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Accounts as the database knows them. */
public class Accounts {
    private static final String URL = "jdbc:postgresql://db.example.com/bank";
    private static final String USER = "bank";
    private static final String PASSWORD = "not-a-real-password-123";

    /** Opens a connection to the database. */
    static Connection connect() throws SQLException {
        return DriverManager.getConnection(URL, USER, PASSWORD);
    }

    /** Ids of the accounts that belong to an owner. */
    public List<Long> ofOwner(String owner) throws SQLException {
        Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT id FROM accounts WHERE owner = '" + owner + "'");
        List<Long> ids = new ArrayList<>();
        while (rows.next()) {
            ids.add(rows.getLong("id"));
        }
        return ids;
    }

    /** Balance of one account in cents. */
    public long balance(long id) throws SQLException {
        try (Connection connection = connect();
                PreparedStatement statement = connection.prepareStatement("SELECT cents FROM accounts WHERE id = ?")) {
            statement.setLong(1, id);
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next() ? rows.getLong("cents") : 0;
            }
        }
    }

    /** Everything an owner has, in cents. */
    public long wealth(String owner) throws SQLException {
        long sum = 0;
        for (long id : ofOwner(owner)) {
            sum += balance(id);
        }
        return sum;
    }

    public boolean same(String left, String right) {
        return left == right;
    }
}
